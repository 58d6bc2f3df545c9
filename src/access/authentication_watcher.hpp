// Keeps the AuthenticationState at what the cluster's ConfigMap says: a list, then a watch, and again; a poll
// where watching is not allowed. Lives on the network's executor.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "access/authentication_config.hpp"
#include "kube/rest_client.hpp"
#include "kube/watch.hpp"

namespace fluxmetrics::access {

class AuthenticationWatcher {
 public:
  AuthenticationWatcher(kube::RestClient& client, AuthenticationState& state)
      : client_(client), state_(state) {}
  // Never returns.
  boost::asio::awaitable<void> run();
  // A look that begins after this call, for a certificate that nobody knows: it may be of a CA that came this
  // moment. All who ask within half a second share one. May be awaited on any executor.
  boost::asio::awaitable<void> look_again();

 private:
  enum class Purpose { to_watch, to_look };
  boost::asio::awaitable<Result<std::string>> list(Purpose purpose);  // the version to watch from
  boost::asio::awaitable<Result<void>> watch(std::string version);
  boost::asio::awaitable<void> look_once();
  void take(const kube::WatchEvent& event);
  void apply(const boost::json::object& config_map);
  void tell(const std::string& trouble);

  kube::RestClient& client_;
  AuthenticationState& state_;
  MonoTime looked_;  // when the last look began
  int looking_ = 0;  // looks under way
  int applied_count_ = 0;
  std::string applied_;  // the data last read, as text
  std::string told_;     // the last trouble in the log
};

}  // namespace fluxmetrics::access
