#include <cstdlib>

#include "api/api.hpp"
#include "base/log.hpp"
#include "commands/broker.hpp"
#include "commands/options.hpp"
#include "http/server.hpp"

namespace fluxmetrics::commands {
namespace {

http::ServerOptions server_options(const StartOptions& options) {
  const auto& service = options.service_name;
  return {.host = options.host,
          .port = options.port,
          .certificate = {.cert_file = options.ssl_certfile,
                          .key_file = options.ssl_keyfile,
                          .cert_dir = options.cert_dir,
                          .names = {fmt::format("{}.{}.svc", service, options.namespace_),
                                    fmt::format("{}.{}.svc.cluster.local", service, options.namespace_),
                                    fmt::format("{}.{}", service, options.namespace_), service}}};
}

}  // namespace

int run_start(const StartOptions& options) {
  if (!options.custom_metric.empty()) {
    log::error("--custom-metric {}: metrics of your own are not available yet; leave the option away",
               options.custom_metric);
    return exit_misused;
  }
  const auto broker = check_options(options.flux_uri, options.policy);
  if (!broker) {
    log::error("{}", broker.error().message);
    return exit_misused;
  }
  if (std::getenv("FLUX_JOB_ID") != nullptr) {
    log::warning(
        "this server runs as a Flux job: it holds a core, and its node is never given back; run it beside "
        "the broker");
  }

  Pipeline pipeline(*broker, options.policy, options.max_staleness);
  api::Api api({.namespace_ = options.namespace_,
                .service_name = options.service_name,
                .api_path = options.api_path,
                .max_staleness = options.max_staleness,
                .insecure_http = options.insecure_http,
                .port = options.port,
                .log_every_request = options.verbose},
               pipeline.store());
  http::Server server(server_options(options), api);
  if (const auto listening = server.listen(); !listening) {
    log::error("{}", listening.error().message);
    return listening.error().code == Code::invalid ? exit_misused : exit_failed;
  }
  log::info("serving https and http on {} port {}, namespace {}, service {}", options.host, server.port(),
            options.namespace_, options.service_name);
  pipeline.start();
  server.run(true);
  log::info("stopped");
  return exit_fine;
}

}  // namespace fluxmetrics::commands
