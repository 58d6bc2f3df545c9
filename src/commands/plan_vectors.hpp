// `plan --vectors`: recorded decisions of a real HPA controller, compared with this program's.
#pragma once

#include "commands/plan.hpp"

namespace fluxmetrics::commands {

int run_plan_vectors(const PlanOptions& options);

}  // namespace fluxmetrics::commands
