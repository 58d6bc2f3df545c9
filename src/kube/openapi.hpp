// OpenAPI documents of the metric APIs: Swagger 2.0 of all their versions, OpenAPI 3.0 of each. An aggregator
// merges them into the cluster's own, so they hold our own paths and names alone, and nothing that a strict
// reader stumbles over.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "kube/metrics_api.hpp"

namespace fluxmetrics::kube {

// `program_version` is told as the version of the documents.
[[nodiscard]] boost::json::value swagger_document(const std::string& program_version);
// `api` is one of metrics_apis.
[[nodiscard]] boost::json::value openapi_document(const MetricsApi& api, const std::string& program_version);

}  // namespace fluxmetrics::kube
