// From a family and a selector of its labels to items, or to one number, or to a sentence on why there is
// none.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "kube/selector.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

// Errors: Code::not_found when the selector names a label that the family does not have.
[[nodiscard]] Result<void> check_labels(const metrics::Description& description,
                                        const kube::Selector& selector);

// The items that the selector leaves. Errors: Code::not_found when it names a value that does not exist (a
// queue, say); else the family's own reason (Code::unavailable, Code::not_found).
[[nodiscard]] Result<std::vector<metrics::Item>> select_items(const metrics::Snapshot& snapshot,
                                                              const metrics::Family& family,
                                                              const kube::Selector& selector);

// The one number that the family makes of these items. Errors: as select_items(), and when they make none.
[[nodiscard]] Result<double> select_value(const metrics::Snapshot& snapshot, const metrics::Family& family,
                                          const kube::Selector& selector);

}  // namespace fluxmetrics::api
