// Metrics of single ranks: in a MiniCluster they describe the pod that a rank is.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "flux/idset.hpp"
#include "metrics/family.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::metrics {

// Sorted by name; static lifetime. Their names are also names of the catalogue, where they count all ranks.
[[nodiscard]] std::span<const Description> rank_catalogue();
[[nodiscard]] const Description* find_rank_description(std::string_view name);

// One value for each of `ranks`, in their order; where a rank has none, Code::unavailable and why. Errors:
// no rank has one now (Code::unavailable), or ranks are no pods here (Code::not_found).
[[nodiscard]] Result<std::vector<Result<double>>> rank_values(const Description& metric,
                                                              const Snapshot& snapshot,
                                                              std::span<const flux::IdSet::Id> ranks);

}  // namespace fluxmetrics::metrics
