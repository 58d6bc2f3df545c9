// Findings that need more than the HPA's text: what its target, the pods and the metrics APIs of a cluster
// answer, and the size that the target has now.
#pragma once

#include <vector>

#include "scaling/hpa_advice.hpp"

namespace fluxmetrics::scaling {

[[nodiscard]] std::vector<Finding> find_cluster_faults(const AdviceInput& input);

}  // namespace fluxmetrics::scaling
