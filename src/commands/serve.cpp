#include "commands/serve.hpp"

#include <cstdlib>

#include "commands/output.hpp"
#include "server/metrics_server.hpp"

namespace fluxmetrics::commands {

int serve(const server::Config& config) {
  auto completed = server::complete(config);
  if (!completed) return ends_with(exit_misused, completed.error());
  server::MetricsServer server(*std::move(completed));
  if (const auto listening = server.listen(); !listening) {
    const auto& why = listening.error();
    return ends_with(why.code == Code::invalid ? exit_misused : exit_failed, why);
  }
  if (!server.run()) std::_Exit(exit_fine);
  return exit_fine;
}

}  // namespace fluxmetrics::commands
