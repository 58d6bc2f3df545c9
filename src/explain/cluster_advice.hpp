// Findings that need more than the HPA's text: what its target, the pods and the metrics APIs of a cluster
// answer, and the size that the target has now.
#pragma once

#include <vector>

#include "explain/advice_input.hpp"
#include "explain/finding.hpp"

namespace fluxmetrics::explain {

[[nodiscard]] std::vector<Finding> find_cluster_faults(const AdviceInput& input);

}  // namespace fluxmetrics::explain
