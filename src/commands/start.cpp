#include "commands/options.hpp"

namespace fluxmetrics::commands {

int run_start(const StartOptions& /*options*/) { return exit_failed; }

}  // namespace fluxmetrics::commands
