// MetricValueList of custom.metrics.k8s.io, in both versions, and ExternalMetricValueList.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

namespace fluxmetrics::kube {

enum class MetricsVersion { v1beta1, v1beta2 };
[[nodiscard]] std::string_view to_string(MetricsVersion version);

// The object that a value describes.
struct ObjectReference {
  std::string kind;
  std::string namespace_;  // "" for objects outside namespaces
  std::string name;
  std::string api_version = "v1";
};

struct MetricValue {
  ObjectReference object;
  std::string metric;
  std::string timestamp;        // RFC 3339, UTC, whole seconds
  std::string value;            // Quantity text
  boost::json::value selector;  // the LabelSelector of the request's metricLabelSelector; null without one
};

// One series of external.metrics.k8s.io, which has one version: v1beta1.
struct ExternalMetricValue {
  std::string metric;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string timestamp;  // as that of a MetricValue
  std::string value;      // Quantity text
};

// Both make whole objects; kube/encoding.hpp makes bodies of these.
[[nodiscard]] boost::json::value metric_value_list(MetricsVersion version,
                                                   std::span<const MetricValue> items);
[[nodiscard]] boost::json::value external_metric_value_list(std::span<const ExternalMetricValue> items);

}  // namespace fluxmetrics::kube
