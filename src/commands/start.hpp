// `start`: the custom metrics API beside the leader broker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "commands/command_line.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::commands {

struct StartOptions {
  std::string host = "0.0.0.0";
  std::uint16_t port = 8443;
  std::string namespace_ = "flux-operator";
  std::string service_name = "custom-metrics-apiserver";
  std::string minicluster;
  std::string ssl_certfile, ssl_keyfile;
  std::string cert_dir;
  std::string api_path;
  std::vector<std::string> custom_metrics;  // files
  bool forward_cluster_apis = false;
  bool no_cache = false;
  std::size_t most_waiting = 400;
  Seconds request_timeout{60};
  bool verbose = false;
  bool insecure_http = false;
  bool insecure_skip_auth = false;
  std::string kubeconfig;
  std::string authentication_kubeconfig;
  std::string authorization_kubeconfig;
  Seconds token_ttl{10};
  Seconds allowed_ttl{10};
  Seconds denied_ttl{10};
  std::optional<std::string> flux_uri;
  Seconds max_staleness{30};
  std::optional<Seconds> shutdown_delay;  // nullopt: some in a cluster, none elsewhere
  sizing::SizePolicy policy;
};

void add_start(Command& program);
int run_start(const StartOptions& options);

}  // namespace fluxmetrics::commands
