// What an HPA makes of this program's own metrics: which of them count the target's nodes, and which fall
// when jobs start.
#pragma once

#include <string_view>

#include "hpa/spec.hpp"

namespace fluxmetrics::explain {

inline constexpr std::string_view wanted_metric = "node_wanted_count";
// The Service that stands before this program in the examples and in docs/.
inline constexpr std::string_view own_service = "custom-metrics-apiserver";

// An Object or External metric.
[[nodiscard]] bool of_an_object(const hpa::HpaMetric& metric);

// The metric counts the target's own nodes: an HPA on it feeds back on itself.
[[nodiscard]] bool counts_own_size(const hpa::HpaMetric& metric);

// The metric counts jobs that wait, or what they wait for: when they start it falls, and an HPA on it takes
// away the nodes that they run on.
[[nodiscard]] bool falls_when_jobs_start(const hpa::HpaMetric& metric);

[[nodiscard]] bool targets_minicluster(const hpa::HpaSpec& spec);

}  // namespace fluxmetrics::explain
