// Keeps the AuthenticationState at what the cluster's ConfigMap says. Lives on the network's executor.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "access/authentication_config.hpp"
#include "kube/informer.hpp"
#include "kube/rest_client.hpp"

namespace fluxmetrics::access {

class AuthenticationWatcher : private kube::InformerHandler {
 public:
  AuthenticationWatcher(kube::RestClient& client, AuthenticationState& state, Clock clock = Now::read);
  // Never returns.
  boost::asio::awaitable<void> run();
  // A look that begins after this call, for a certificate that nobody knows: it may be of a CA that came this
  // moment. All who ask within half a second share one. May be awaited on any executor.
  boost::asio::awaitable<void> look_again();

 private:
  void changed(const boost::json::object& config_map) override;
  void deleted(const kube::ObjectKey& key) override;
  void synced() override;
  void failed(const Error& trouble) override;
  [[nodiscard]] Error refusal(const http::Fetched& answer) const override;

  boost::asio::awaitable<Result<void>> look();
  boost::asio::awaitable<void> look_once();
  void apply(const boost::json::object& config_map);
  void tell(const std::string& trouble);

  kube::RestClient& client_;
  AuthenticationState& state_;
  Clock clock_;
  kube::Informer informer_;
  bool exists_ = false;  // the ConfigMap, as far as the informer knows
  MonoTime looked_;      // when the last look began
  int looking_ = 0;      // looks under way
  int applied_count_ = 0;
  std::string applied_;  // the data last read, as text
  std::string told_;     // the last trouble in the log
};

}  // namespace fluxmetrics::access
