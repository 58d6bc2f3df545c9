// What `start` and `exporter` are asked to serve, and what must be found before they can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/control.hpp"
#include "api/options.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/server_options.hpp"
#include "server/cluster_link.hpp"
#include "server/pipeline.hpp"
#include "sizing/demand.hpp"
#include "sizing/resize.hpp"

namespace fluxmetrics::server {

struct Config {
  std::string host = "0.0.0.0";
  std::uint16_t port = 8443;  // 0 = any free port
  std::optional<std::string> flux_uri = {};
  std::vector<std::string> custom_metrics = {};  // files
  sizing::SizePolicy policy = {};
  Seconds max_staleness{30};
  bool drain = false;                // ranks, before node_wanted_count falls
  Seconds drain_handed_out_for{10};  // a reader acts on a value within this time
  bool verbose = false;
  // Only /metrics, over plain HTTP, to everyone: what is below has no effect then.
  bool prometheus_only = false;

  std::string namespace_ = "flux-operator";
  std::string service_name = "custom-metrics-apiserver";
  std::string minicluster = {};
  std::string ssl_certfile = {};
  std::string ssl_keyfile = {};
  std::string cert_dir = {};
  std::string api_path = {};
  bool forward_cluster_apis = false;
  bool no_cache = false;  // of what is forwarded
  std::size_t most_waiting = 400;
  Seconds request_timeout{60};
  std::optional<Seconds> shutdown_delay = {};  // nullopt: some in a cluster, none elsewhere
  bool insecure_http = false;
  bool insecure_skip_auth = false;
  std::string kubeconfig = {};
  std::string authentication_kubeconfig = {};
  std::string authorization_kubeconfig = {};
  Seconds token_ttl{10};
  Seconds allowed_ttl{10};
  Seconds denied_ttl{10};
};

// The parts of a server that a Config leads to.
struct CompletedConfig {
  Config config;
  Found found;
  std::unique_ptr<ClusterLink> cluster;         // null: there is none
  std::optional<access::AccessOptions> access;  // nullopt: nobody is asked who they are
  api::ApiOptions api;
  http::ServerOptions http;
};

// Looks for the broker, the user's files and the cluster. Runs nothing, and does not ask the broker, unless
// its ranks are to be drained. Errors: all are misuse: as find_all() and ClusterLink::find(), or there is no
// cluster whose documents could be forwarded, or the broker does not let us drain. A certificate is read when
// the server listens.
[[nodiscard]] Result<CompletedConfig> complete(Config config);

// How a MiniCluster is resized by this configuration.
[[nodiscard]] sizing::ResizePolicy resize_policy(const Config& config, bool watches_cluster);

}  // namespace fluxmetrics::server
