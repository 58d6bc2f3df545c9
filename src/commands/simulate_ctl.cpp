#include "commands/options.hpp"

namespace fluxmetrics::commands {

int run_simulate_ctl(const SimulateCtlOptions& /*options*/) {
  return exit_failed;
}

}  // namespace fluxmetrics::commands
