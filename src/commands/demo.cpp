#include "commands/options.hpp"

namespace fluxmetrics::commands {

int run_demo(const DemoOptions& /*options*/) { return exit_failed; }

}  // namespace fluxmetrics::commands
