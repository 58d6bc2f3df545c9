// Workloads that are made, not recorded: the two of the strategies' table in docs/plan.md, for any seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "simulate/trace.hpp"

namespace fluxmetrics::plan {

// For 64 nodes of 8 cores. "daily": a day of mixed jobs, few at night and many at noon; half of them parts of
// nodes, most others one to four nodes, one in ten a gang of 8 to 32. "burst": eight hours, in each of which
// some hundred short jobs of half a node come at once. Nothing for another name. The same seed gives the same
// jobs everywhere.
[[nodiscard]] std::optional<std::vector<simulate::TraceJob>> generate_workload(std::string_view name,
                                                                               std::uint64_t seed);

}  // namespace fluxmetrics::plan
