#include "api/api.hpp"
#include "base/log.hpp"
#include "commands/options.hpp"
#include "commands/output.hpp"
#include "http/server.hpp"
#include "server/pipeline.hpp"

namespace fluxmetrics::commands {
namespace {

// A broker that is there answers in milliseconds: the first scrape should find values.
constexpr Seconds first_word_patience{1};

}  // namespace

int run_exporter(const ExporterOptions& options) {
  auto found =
      server::find_all(options.flux_uri, options.policy, options.custom_metrics, options.max_staleness);
  if (!found) return ends_with(exit_misused, found.error());
  server::Pipeline pipeline(found->broker, options.policy, options.max_staleness, std::move(found->user));
  api::Api api({.max_staleness = options.max_staleness,
                .insecure_http = true,
                .port = options.port,
                .log_every_request = options.verbose,
                .prometheus_only = true,
                .catalogue = found->catalogue},
               pipeline.store());
  http::Server server({.host = options.host, .port = options.port}, api);
  server.catch_signals();
  if (const auto listening = server.listen(); !listening) {
    const auto& why = listening.error();
    return ends_with(why.code == Code::invalid ? exit_misused : exit_failed, why);
  }
  pipeline.start();
  pipeline.await_first_word(first_word_patience);
  log::info("serving Prometheus metrics at http://{}:{}/metrics", options.host, server.port());
  log::warning(
      "plain HTTP: whoever reaches the port may read everything; `start` serves /metrics with access "
      "control");
  server.run(true);
  log::info("stopped");
  return exit_fine;
}

}  // namespace fluxmetrics::commands
