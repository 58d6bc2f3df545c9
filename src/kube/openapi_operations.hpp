// The paths of the metric APIs, what can be asked there, and what is answered.
#pragma once

#include <boost/json/object.hpp>

#include "kube/openapi_schemas.hpp"

namespace fluxmetrics::kube {

// path -> its one operation, get
[[nodiscard]] boost::json::object openapi_paths(const MetricsApi& api, Dialect dialect);

}  // namespace fluxmetrics::kube
