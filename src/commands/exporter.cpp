#include "commands/exporter.hpp"

#include <memory>

#include "commands/common_options.hpp"
#include "commands/serve.hpp"
#include "server/config.hpp"

namespace fluxmetrics::commands {

void add_exporter(Command& program) {
  auto options = std::make_shared<server::Config>(server::Config{.port = 8080, .prometheus_only = true});
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
  command.runs([options] { return serve(*options); });
}

}  // namespace fluxmetrics::commands
