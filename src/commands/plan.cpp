#include "commands/plan.hpp"

#include "base/log.hpp"

namespace fluxmetrics::commands {

int run_plan(const PlanOptions& options) {
  if (!options.vectors.empty()) return run_plan_vectors(options);
  log::error("plan needs something to play: --vectors FILE");
  return exit_misused;
}

}  // namespace fluxmetrics::commands
