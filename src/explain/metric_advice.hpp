// Findings about an HPA's metrics: which of them fail, mislead, or feed back on themselves.
#pragma once

#include <vector>

#include "scaling/hpa_advice.hpp"

namespace fluxmetrics::scaling {

[[nodiscard]] std::vector<Finding> find_metric_faults(const AdviceInput& input);

}  // namespace fluxmetrics::scaling
