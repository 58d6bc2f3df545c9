// Whether an HPA does what it is for: played forward, it reaches the size that its metric asks for, and holds
// it.
#pragma once

#include <vector>

#include "explain/advice.hpp"

namespace fluxmetrics::explain {

// The faults and warnings of an HPA, the worst first. Where it follows node_wanted_count, that it does not
// come to the metric's size, or does not stay there, is one of them: with the value that is known, else with
// one between its bounds.
[[nodiscard]] std::vector<Finding> remaining_faults(const AdviceInput& input);

}  // namespace fluxmetrics::explain
