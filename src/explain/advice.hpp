// What is wrong with an HPA, each fault in a sentence, and what to change.
#pragma once

#include <vector>

#include "explain/advice_input.hpp"
#include "explain/finding.hpp"

namespace fluxmetrics::explain {

// What the API server says of an HPA that it does not take as it is.
[[nodiscard]] std::vector<Finding> find_refusals(const hpa::HpaRefusal& refusal);

// Of an HPA that the API server takes. The worst first.
[[nodiscard]] std::vector<Finding> find_faults(const AdviceInput& input);

}  // namespace fluxmetrics::explain
