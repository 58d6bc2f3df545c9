#include "scaling/hpa.hpp"

#include <cmath>

namespace fluxmetrics::scaling {

std::int64_t propose_average_value(std::int64_t metric_milli, std::int64_t target_milli,
                                   std::int64_t status_replicas, double tolerance) {
  const auto metric = static_cast<double>(metric_milli);
  const auto target = static_cast<double>(target_milli);
  if (status_replicas > 0) {
    const double ratio = metric / (target * static_cast<double>(status_replicas));
    // Written as the controller writes it: 11 against 10 is inside of 10 %, in doubles too.
    if (1.0 - tolerance <= ratio && ratio <= 1.0 + tolerance) return status_replicas;
  }
  return static_cast<std::int64_t>(std::ceil(metric / target));
}

}  // namespace fluxmetrics::scaling
