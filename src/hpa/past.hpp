// What an API server has stored of an HPA's past: when it was made, and the status that its controller wrote
// last. The controller's memory, its recommendations and resizes, is not among it; what can be concluded of
// that is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "hpa/status.hpp"

namespace fluxmetrics::hpa {

struct HpaPast {
  std::optional<std::int64_t> age_ms = {};         // since metadata.creationTimestamp
  std::optional<std::int64_t> last_scale_ms = {};  // since status.lastScaleTime
  // nullopt where no sync has read the scale. Kubernetes leaves a 0 out.
  std::optional<std::int32_t> current_replicas = {};
  std::optional<std::int32_t> desired_replicas = {};
  HpaConditions conditions = {};   // empty: no sync has written a status yet
  std::string scaled_object = {};  // the ScaledObject of KEDA that owns the HPA; "" = none

  [[nodiscard]] bool synced() const { return !conditions.list().empty(); }
  [[nodiscard]] bool scaled_to_zero() const { return conditions.is_true("ScaledToZero"); }
};

// `hpa` as kubectl get -o yaml or json prints it; what is not of the expected shape counts as absent.
[[nodiscard]] HpaPast read_hpa_past(const boost::json::object& hpa, WallTime now);

// A window holds `size` back while a recommendation that keeps it there is young enough. How long ago the
// youngest one of these may have been made at the most, in milliseconds; nullopt: nothing is known. `down`:
// what is wanted now is smaller than `size`. A resize can come earlier than a controller that has just
// started would do it, but not by more than this.
[[nodiscard]] std::optional<std::int64_t> oldest_recommendation_ms(const HpaPast& past, std::int32_t size,
                                                                   bool down, std::int64_t period_ms);

}  // namespace fluxmetrics::hpa
