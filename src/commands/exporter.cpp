#include "commands/exporter.hpp"

#include <memory>

#include "api/api.hpp"
#include "base/log.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "http/server.hpp"
#include "server/pipeline.hpp"

namespace fluxmetrics::commands {
namespace {

// A broker that is there answers in milliseconds: the first scrape should find values.
constexpr Seconds first_word_patience{1};

}  // namespace

void add_exporter(Command& program) {
  auto options = std::make_shared<ExporterOptions>();
  auto& o = *options;
  auto command = program.add_command("exporter", "Serve the metrics to Prometheus alone, over plain HTTP");
  command.footer(
      "Example:\n"
      "  flux-metrics-api exporter --port 8080 &\n"
      "  curl http://localhost:8080/metrics\n"
      "  flux-metrics-api exporter --custom-metric examples/held-jobs.yaml\n"
      "Anyone who can reach the port can read: `start` serves /metrics with access control.");
  command.whole("--port", o.port, "Port; 0 picks a free one").shows_default();
  command.option("--host", o.host, "Address to listen on").shows_default();
  command.flag("--verbose", o.verbose, "Log every request");
  add_custom_metrics(command, o.custom_metrics);
  add_flux_uri(command, o.flux_uri);
  command.duration("--max-staleness", o.max_staleness,
                   "How long to keep serving the last values after the broker goes silent", shortest);
  add_policy(command, o.policy);
  command.runs([options] { return run_exporter(*options); });
}

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
      "plain HTTP: anyone who can reach the port can read everything; `start` serves /metrics with access "
      "control");
  server.run(true);
  log::info("stopped");
  return exit_fine;
}

}  // namespace fluxmetrics::commands
