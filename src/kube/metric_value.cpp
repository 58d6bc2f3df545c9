#include "kube/metric_value.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "kube/metrics_api.hpp"

namespace fluxmetrics::kube {
namespace {

using boost::json::array;
using boost::json::object;

object described(const ObjectReference& reference) {
  object out = {{"kind", reference.kind}};
  if (!reference.namespace_.empty()) out["namespace"] = reference.namespace_;
  out["name"] = reference.name;
  out["apiVersion"] = reference.api_version;
  return out;
}

object to_item(MetricsVersion version, const MetricValue& value) {
  if (version == MetricsVersion::v1beta1) {
    return {{"describedObject", described(value.object)},
            {"metricName", value.metric},
            {"timestamp", value.timestamp},
            {"value", value.value},
            {"selector", value.selector}};
  }
  return {{"describedObject", described(value.object)},
          {"metric", object{{"name", value.metric}, {"selector", value.selector}}},
          {"timestamp", value.timestamp},
          {"value", value.value}};
}

}  // namespace

std::string_view to_string(MetricsVersion version) {
  return version == MetricsVersion::v1beta1 ? "v1beta1" : "v1beta2";
}

boost::json::value metric_value_list(MetricsVersion version, std::span<const MetricValue> items) {
  array list;
  for (const auto& item : items)
    list.push_back(to_item(version, item));
  return object{{"kind", "MetricValueList"},
                {"apiVersion", fmt::format("{}/{}", custom_metrics_group, to_string(version))},
                {"metadata", object()},
                {"items", std::move(list)}};
}

boost::json::value external_metric_value_list(std::span<const ExternalMetricValue> items) {
  array list;
  for (const auto& item : items) {
    object labels;
    for (const auto& [key, value] : item.labels)
      labels[key] = value;
    list.push_back(object{{"metricName", item.metric},
                          {"metricLabels", std::move(labels)},
                          {"timestamp", item.timestamp},
                          {"value", item.value}});
  }
  return object{{"kind", "ExternalMetricValueList"},
                {"apiVersion", fmt::format("{}/v1beta1", external_metrics_group)},
                {"metadata", object()},
                {"items", std::move(list)}};
}

}  // namespace fluxmetrics::kube
