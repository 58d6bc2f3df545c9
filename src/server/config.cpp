#include "server/config.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <utility>

#include "api/router.hpp"
#include "base/log.hpp"

namespace fluxmetrics::server {
namespace {

// Long enough for a pod that is not ready any more to leave its Service's endpoints, and for the aggregator
// to see it.
constexpr Seconds delay_in_cluster{5};

Seconds default_shutdown_delay() {
  return std::getenv("KUBERNETES_SERVICE_HOST") != nullptr ? delay_in_cluster : Seconds::zero();
}

// Null where there is none.
Result<std::unique_ptr<ClusterLink>> find_cluster(const Config& config) {
  auto cluster = ClusterLink::find({.kubeconfig = config.kubeconfig,
                                    .authentication_kubeconfig = config.authentication_kubeconfig,
                                    .authorization_kubeconfig = config.authorization_kubeconfig,
                                    .authenticates = !config.insecure_skip_auth});
  if (cluster && !*cluster && config.forward_cluster_apis) {
    return fail(Code::invalid,
                "--forward-cluster-apis: there is no cluster here; run in a pod with a service account, or "
                "give --kubeconfig");
  }
  return cluster;
}

http::ServerOptions http_options(const Config& config) {
  if (config.prometheus_only) return {.host = config.host, .port = config.port};
  const auto& service = config.service_name;
  return {.host = config.host,
          .port = config.port,
          .certificate = {.cert_file = config.ssl_certfile,
                          .key_file = config.ssl_keyfile,
                          .cert_dir = config.cert_dir,
                          .names = {fmt::format("{}.{}.svc", service, config.namespace_),
                                    fmt::format("{}.{}.svc.cluster.local", service, config.namespace_),
                                    fmt::format("{}.{}", service, config.namespace_), service}},
          // The API ends a wait before, with an answer.
          .answer_timeout = config.request_timeout + Seconds(10),
          .shutdown_delay = config.shutdown_delay.value_or(default_shutdown_delay())};
}

access::AccessOptions access_options(const Config& config, bool has_cluster) {
  using enum access::AccessOptions::Mode;
  return {.mode = config.insecure_skip_auth ? open : (has_cluster ? delegated : closed),
          .extra_root = api::root_segments(config.api_path),
          .token_ttl = config.token_ttl,
          .allowed_ttl = config.allowed_ttl,
          .denied_ttl = config.denied_ttl};
}

api::ApiOptions api_options(const Config& config, std::shared_ptr<const metrics::Catalogue> catalogue) {
  if (config.prometheus_only) {
    return {.max_staleness = config.max_staleness,
            .insecure_http = true,
            .port = config.port,
            .log_every_request = config.verbose,
            .prometheus_only = true,
            .catalogue = std::move(catalogue)};
  }
  return {.namespace_ = config.namespace_,
          .service_name = config.service_name,
          .minicluster = config.minicluster,
          .api_path = config.api_path,
          .max_staleness = config.max_staleness,
          .insecure_http = config.insecure_http,
          .port = config.port,
          .log_every_request = config.verbose,
          .most_waiting = config.most_waiting,
          .request_timeout = config.request_timeout,
          .catalogue = std::move(catalogue)};
}

}  // namespace

sizing::ResizePolicy resize_policy(const Config& config, bool watches_cluster) {
  sizing::ResizePolicy policy;
  policy.min = config.policy.min_replicas;
  policy.max = config.policy.max_replicas.value_or(policy.max);
  policy.hold = config.policy.hold;
  policy.watches_cluster = watches_cluster;
  return policy;
}

Result<CompletedConfig> complete(Config config) {
  auto found = find_all(config.flux_uri, config.policy, config.custom_metrics, config.max_staleness);
  if (!found) return std::unexpected(found.error());
  CompletedConfig completed{.config = std::move(config),
                            .found = *std::move(found),
                            .cluster = nullptr,
                            .access = std::nullopt,
                            .api = {},
                            .http = {}};
  const auto& options = completed.config;
  if (!options.prometheus_only) {
    if (std::getenv("FLUX_JOB_ID") != nullptr) {
      log::warning(
          "this server runs as a Flux job: it holds a core, and its node is never given back; run it beside "
          "the broker");
    }
    auto cluster = find_cluster(options);
    if (!cluster) return std::unexpected(cluster.error());
    completed.cluster = *std::move(cluster);
    completed.access = access_options(options, completed.cluster != nullptr);
  }
  if (options.drain) {
    const auto allowed =
        autoscale::check_drainer(drainer_options(completed.found.broker, resize_policy(options, false), {}));
    if (!allowed) return fail(Code::invalid, "--drain: {}", allowed.error().message);
  }
  completed.api = api_options(options, completed.found.catalogue);
  completed.http = http_options(options);
  return completed;
}

}  // namespace fluxmetrics::server
