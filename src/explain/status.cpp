#include "explain/status.hpp"

#include <boost/json.hpp>

#include "explain/json_path.hpp"
#include "kube/quantity.hpp"
#include "kube/strict_decoding.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

using hpa::HpaMetric;
using hpa::MetricSource;

std::string_view field_of(hpa::MetricSource source) {
  switch (source) {
    case hpa::MetricSource::object:
      return "object";
    case hpa::MetricSource::external:
      return "external";
    case hpa::MetricSource::pods:
      return "pods";
    case hpa::MetricSource::resource:
      return "resource";
    case hpa::MetricSource::container_resource:
      return "containerResource";
    case hpa::MetricSource::unknown:
      break;
  }
  return "";
}

bool is_of(const json::value& status, const hpa::HpaMetric& metric, std::string_view field) {
  if (text_at(status, {"type"}) != metric.type) return false;
  const bool resource =
      metric.source == hpa::MetricSource::resource || metric.source == hpa::MetricSource::container_resource;
  if (resource)
    return text_at(status, {field, "name"}) == metric.name &&
           text_at(status, {field, "container"}) == metric.container;
  return text_at(status, {field, "metric", "name"}) == metric.name &&
         text_at(status, {field, "describedObject", "name"}) == metric.object.name;
}

std::optional<std::int64_t> quantity_at(const json::value& status, std::string_view field,
                                        std::string_view name) {
  const auto& value = value_at(status, {field, "current", name});
  if (value.is_null()) return std::nullopt;
  const auto milli = kube::parse_milli(kube::quantity_text(value));
  return milli ? std::optional(*milli) : std::nullopt;
}

// The controller writes sum / replicas, rounded up: of the sums that come to it, a whole number, if there is
// one.
std::optional<std::int64_t> sum_of(std::int64_t average, std::int64_t replicas) {
  constexpr std::int64_t whole = 1000;
  // A division by 0 replicas left this.
  if (replicas < 1 || average < 0 || average > std::numeric_limits<std::int64_t>::max() / replicas)
    return std::nullopt;
  const auto most = average * replicas;
  const auto rounded = most / whole * whole;
  return rounded > (average - 1) * replicas ? rounded : most;
}

}  // namespace

std::optional<std::int64_t> value_in_status(const json::object& hpa, const hpa::HpaMetric& metric) {
  const json::value document(hpa);
  const auto field = field_of(metric.source);
  for (const auto& status : items_at(document, {"status", "currentMetrics"})) {
    if (!is_of(status, metric, field)) continue;
    if (metric.source == hpa::MetricSource::object || metric.source == hpa::MetricSource::external) {
      if (const auto value = quantity_at(status, field, "value"); value && *value >= 0) return value;
      const auto average = quantity_at(status, field, "averageValue");
      return average ? sum_of(*average, int_at(document, {"status", "currentReplicas"})) : std::nullopt;
    }
    const auto& percent = value_at(status, {field, "current", "averageUtilization"});
    if (metric.target.average_utilization)
      return percent.is_number() ? std::optional(percent.to_number<std::int64_t>() * 1000) : std::nullopt;
    return quantity_at(status, field, "averageValue");
  }
  return std::nullopt;
}

}  // namespace fluxmetrics::explain
