// The instance as Prometheus sees it: families by its conventions, made of a snapshot.
#pragma once

#include <span>
#include <string_view>

#include "metrics/exposition.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::metrics {

// What node_wanted_count is called there.
inline constexpr std::string_view exposed_wanted_name = "flux_nodes_wanted";

// In the order of exposition; static lifetime.
[[nodiscard]] std::span<const Exposed> instance_families();

// All of them and the user's, less those that have no value now.
void expose_instance(const Snapshot& snapshot, ExpositionWriter& writer);

}  // namespace fluxmetrics::metrics
