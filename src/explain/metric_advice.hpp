// Findings about an HPA's metrics: which of them fail, mislead, or feed back on themselves.
#pragma once

#include <vector>

#include "explain/advice_input.hpp"
#include "explain/finding.hpp"

namespace fluxmetrics::explain {

[[nodiscard]] std::vector<Finding> find_metric_faults(const AdviceInput& input);

}  // namespace fluxmetrics::explain
