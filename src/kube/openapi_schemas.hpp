// The types of the metric APIs as JSON schemas.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "kube/metrics_api.hpp"

namespace fluxmetrics::kube {

// The two say the same in different places.
enum class Dialect {
  swagger,  // 2.0
  openapi,  // 3.0
};

// {"$ref":"#/definitions/NAME"}, or where OpenAPI 3.0 has it.
[[nodiscard]] boost::json::object reference_to(std::string_view schema, Dialect dialect);

// Names of schemas. What belongs to Kubernetes' own groups has a name of ours: a name of the cluster's with
// other contents would be renamed by the aggregator.
[[nodiscard]] std::string list_schema(const MetricsApi& api);
inline constexpr std::string_view resource_list_schema = "org.flux-framework.metrics.v1.APIResourceList";

// name -> schema: all that the paths of `api` refer to.
[[nodiscard]] boost::json::object openapi_schemas(const MetricsApi& api, Dialect dialect);

}  // namespace fluxmetrics::kube
