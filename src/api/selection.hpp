// From a family and a metricLabelSelector to one number, or to a sentence on why there is none.
#pragma once

#include "base/result.hpp"
#include "kube/selector.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

// Errors: Code::not_found when the selector names a label that the family does not have.
[[nodiscard]] Result<void> check_labels(const metrics::Description& description,
                                        const kube::Selector& selector);

// Errors: Code::not_found when the selector leaves nothing, and why (a queue that does not exist, say); else
// the family's own reason (Code::unavailable, Code::not_found).
[[nodiscard]] Result<double> select_value(const metrics::Snapshot& snapshot, const metrics::Family& family,
                                          const kube::Selector& selector);

}  // namespace fluxmetrics::api
