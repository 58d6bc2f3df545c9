// What the status in an HPA's document says of its metrics.
#pragma once

#include <cstdint>
#include <optional>

#include <boost/json/object.hpp>

#include "hpa/spec.hpp"

namespace fluxmetrics::explain {

// The value of `metric` at the controller's last sync, as hpa::with_value() takes it: in thousandths, of
// a utilization the percentage. nullopt where the status has none, or one that cannot be.
[[nodiscard]] std::optional<std::int64_t> value_in_status(const boost::json::object& hpa,
                                                          const hpa::HpaMetric& metric);

}  // namespace fluxmetrics::explain
