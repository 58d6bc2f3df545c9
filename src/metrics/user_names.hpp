// What a user's metrics may be called, and what Prometheus calls them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "metrics/family.hpp"
#include "metrics/user_metric.hpp"

namespace fluxmetrics::metrics {

// Whether both Kubernetes and Prometheus can have it: letters, digits and _, no digit first, at most 128.
[[nodiscard]] bool is_metric_name(std::string_view name);

// flux_user_ before the name, so that it is never one of ours; without an ending that Prometheus keeps for
// histograms: queue_hold_count is flux_user_queue_hold.
[[nodiscard]] std::string user_family_name(std::string_view name);

// `built_in`: sorted by name. Errors: Code::invalid naming the source of a metric whose name is none, or is
// taken in one of the forms.
[[nodiscard]] Result<void> check_user_names(std::span<const UserMetric> user,
                                            std::span<const Description> built_in);

}  // namespace fluxmetrics::metrics
