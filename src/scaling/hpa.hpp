// The HorizontalPodAutoscaler's arithmetic (autoscaling/v2), as far as the demo's stand-in needs it: an
// Object metric with a target of type AverageValue.
#pragma once

#include <cstdint>

namespace fluxmetrics::scaling {

// What the controller proposes for `metric_milli` against averageValue `target_milli` (both in thousandths,
// target > 0): ceil(metric / target), or the present size when |metric / (target x replicas) - 1| <=
// tolerance. Source: Kubernetes, GetObjectPerPodMetricReplicas.
[[nodiscard]] std::int64_t propose_average_value(std::int64_t metric_milli, std::int64_t target_milli,
                                                 std::int64_t status_replicas, double tolerance);

}  // namespace fluxmetrics::scaling
