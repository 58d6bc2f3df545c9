#include "commands/options.hpp"

namespace fluxmetrics::commands {

int run_simulate(const SimulateOptions& /*options*/) {
  return exit_failed;
}

}  // namespace fluxmetrics::commands
