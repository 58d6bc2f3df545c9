// The agent's API for a controller: what the instance is like, and commands to drain and undrain ranks.
// docs/agent-api.md describes it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "access/attributes.hpp"
#include "agent/commander.hpp"
#include "agent/state_streams.hpp"
#include "api/subtree.hpp"
#include "base/clock.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::agent {

struct AgentOptions {
  std::string name_space = {};                    // of the MiniCluster
  std::function<std::string()> minicluster = {};  // its name; "" while nobody knows
  Seconds max_staleness{30};
  BrokerAddress broker = {};
  std::string obeys_not = {};  // why no command is obeyed, as a sentence; "" = they are
  StreamOptions streams = {};
};

// Called on the serving thread only.
class Agent : public api::Subtree {
 public:
  // `store` must live as long as this.
  Agent(AgentOptions options, const metrics::Store& store);
  ~Agent() override;

  // What a request for `minicluster` must be allowed to do: get miniclusters/state or update
  // miniclusters/drain of flux-framework.org; nullopt for another path.
  [[nodiscard]] std::optional<access::AccessAttributes> attributes(const http::Target& target) const;
  [[nodiscard]] std::optional<kube::Status> turn_away(const http::Request& request) const override;
  [[nodiscard]] std::size_t most_body(const http::Request& head) const override;
  [[nodiscard]] boost::asio::awaitable<http::Response> answer(http::Request request, http::Target target,
                                                              api::Caller caller) override;
  // Gives up what is under way. To be called when the server has stopped, before it is destroyed.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::agent
