// What the status in an HPA's document says of its metrics.
#pragma once

#include <cstdint>
#include <optional>

#include <boost/json/object.hpp>

#include "scaling/hpa_spec.hpp"

namespace fluxmetrics::commands {

// The value of `metric` at the controller's last sync, as scaling::with_value() takes it: in thousandths, of
// a utilization the percentage. nullopt where the status has none, or one that cannot be.
[[nodiscard]] std::optional<std::int64_t> value_in_status(const boost::json::object& hpa,
                                                          const scaling::HpaMetric& metric);

}  // namespace fluxmetrics::commands
