// OpenAPI documents of the metric APIs: Swagger 2.0 of all their versions, OpenAPI 3.0 of each. An aggregator
// merges them into the cluster's own, so they hold our own paths and names alone, and nothing that a strict
// reader stumbles over.
#pragma once

#include <array>
#include <string>

#include <boost/json/value.hpp>

namespace fluxmetrics::kube {

struct MetricsApi {
  const char* group;
  const char* version;
};
inline constexpr std::array<MetricsApi, 3> metrics_apis = {{{"custom.metrics.k8s.io", "v1beta1"},
                                                            {"custom.metrics.k8s.io", "v1beta2"},
                                                            {"external.metrics.k8s.io", "v1beta1"}}};

// `program_version` is told as the version of the documents.
[[nodiscard]] boost::json::value swagger_document(const std::string& program_version);
// `api` is one of metrics_apis.
[[nodiscard]] boost::json::value openapi_document(const MetricsApi& api, const std::string& program_version);

}  // namespace fluxmetrics::kube
