// A running server: the broker's values, the cluster's word on who may read them, and the port.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "access/control.hpp"
#include "agent/agent.hpp"
#include "api/api.hpp"
#include "api/cluster_documents.hpp"
#include "base/result.hpp"
#include "http/server.hpp"
#include "server/config.hpp"

namespace fluxmetrics::server {

class MetricsServer {
 public:
  explicit MetricsServer(CompletedConfig completed);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  ~MetricsServer() = default;

  // From here on clients can connect, and SIGINT and SIGTERM end run(). Errors: as http::Server::listen();
  // Code::invalid is misuse.
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] std::uint16_t port() const { return http_.port(); }
  // To be called once, after listen(): follows the broker and the cluster, and serves until a signal or
  // stop(). False when something goes on that cannot be interrupted: then the process must end without
  // destroying anything.
  [[nodiscard]] bool run();
  void stop() { http_.stop(); }  // from any thread

 private:
  void tell_what_is_served() const;

  Config config_;
  Pipeline pipeline_;
  std::unique_ptr<ClusterLink> cluster_;           // null: there is none
  std::unique_ptr<access::AccessControl> access_;  // null: everyone may read
  api::Api api_;
  std::optional<api::ClusterDocuments> documents_;  // that are forwarded
  std::optional<agent::Agent> agent_;               // nullopt: only Prometheus' metrics are served
  http::Server http_;                               // the last: it ends first
};

}  // namespace fluxmetrics::server
