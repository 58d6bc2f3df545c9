// The groups of the metric APIs with their versions, and in each the metrics of each kind of object: what
// discovery lists. It needs no data, for discovery must answer without any.
#pragma once

#include <vector>

#include "kube/discovery.hpp"
#include "metrics/catalogue.hpp"

namespace fluxmetrics::api {

[[nodiscard]] std::vector<kube::ApiGroup> metric_groups(const metrics::Catalogue& catalogue);

}  // namespace fluxmetrics::api
