#include "commands/options.hpp"

namespace fluxmetrics::commands {

int run_get(const GetOptions& /*options*/) { return exit_failed; }

}  // namespace fluxmetrics::commands
