// MetricValueList of custom.metrics.k8s.io, in both versions.
#pragma once

#include <span>
#include <string>
#include <string_view>

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

[[nodiscard]] boost::json::value metric_value_list(MetricsVersion version,
                                                   std::span<const MetricValue> items);

}  // namespace fluxmetrics::kube
