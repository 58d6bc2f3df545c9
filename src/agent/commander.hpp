// Obeys commands, one after the other: checks each against what Flux says now, and has it done by autoscale.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/command.hpp"
#include "agent/lease_memory.hpp"
#include "autoscale/busy_ranks.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "flux/client.hpp"
#include "flux/idset.hpp"
#include "flux/replies.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::agent {

// As the collector finds it.
struct BrokerAddress {
  std::vector<std::string> socket_paths = {};  // tried in order
  bool follow_to_top = true;                   // from a sub-instance to its top instance
};

// What is so when a command has been obeyed.
struct Effect {
  flux::IdSet drained;                    // by this program's reason, whoever asked for it
  std::vector<autoscale::BusyRank> busy;  // of these
};
using Outcome = std::expected<Effect, kube::Status>;

// Used on one executor.
class Commander {
 public:
  explicit Commander(BrokerAddress broker, Clock clock = Now::read)
      : broker_(std::move(broker)), clock_(std::move(clock)) {}
  Commander(const Commander&) = delete;
  Commander& operator=(const Commander&) = delete;

  // All ranks of it in one request to Flux. Errors, as a Status: 403 to a guest of the instance; 409 for an
  // older lease, a deadline that has passed, ranks that somebody else has drained, a scheduler that
  // autoscale::may_drain() refuses; 422 for rank 0 and ranks that do not exist; 503 and 504 when Flux does
  // not answer, 429 when many commands wait. After a 503 or 504 it may have had an effect.
  [[nodiscard]] boost::asio::awaitable<Outcome> obey(Command command);

 private:
  struct Turn;
  [[nodiscard]] boost::asio::awaitable<Outcome> obey_now(Command command);
  [[nodiscard]] boost::asio::awaitable<Outcome> obey_at(std::shared_ptr<flux::Client> client,
                                                        Command command);
  [[nodiscard]] Result<void> check(const Command& command, const flux::ResourceStatus& status);
  [[nodiscard]] Result<void> check_deadline(const Command& command) const;

  BrokerAddress broker_;
  Clock clock_;
  LeaseMemory memory_;
  std::size_t waiting_ = 0;
  bool busy_ = false;
  // Waited for by commands whose turn has not come. They own it: it must not outlive their executor.
  std::weak_ptr<boost::asio::steady_timer> freed_;
};

}  // namespace fluxmetrics::agent
