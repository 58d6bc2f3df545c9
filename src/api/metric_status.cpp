#include "api/metric_status.hpp"

#include <fmt/ranges.h>
#include <vector>

#include "metrics/catalogue.hpp"

namespace fluxmetrics::api {

kube::Status bad_request(std::string message) {
  return {.code = 400, .reason = "BadRequest", .message = std::move(message)};
}

kube::Status not_found(const MetricPath& path, const kube::Selector& selector, std::string_view hint) {
  const auto object = path.resource.empty() ? "the namespace " + path.namespace_
                      : path.name == "*"    ? path.resource
                                            : path.resource + " " + path.name;
  const auto with = selector.empty() ? std::string() : " with selector " + selector.to_string();
  return {.code = 404,
          .reason = "NotFound",
          .message = fmt::format("the server could not find the metric {} for {}{}: {}", path.metric, object,
                                 with, hint)};
}

kube::Status unavailable(std::string_view metric, std::string_view why) {
  return {.code = 503,
          .reason = "ServiceUnavailable",
          .message = fmt::format("the metric {} has no value now: {}", metric, why)};
}

kube::Status status_of(const Error& error, const MetricPath& path, const kube::Selector& selector) {
  return error.code == Code::not_found ? not_found(path, selector, error.message)
                                       : unavailable(path.metric, error.message);
}

std::string known_metrics() {
  std::vector<std::string_view> names;
  names.reserve(metrics::catalogue().size());
  for (const auto& metric : metrics::catalogue())
    names.push_back(metric.name);
  return fmt::format("there are {}", fmt::join(names, ", "));
}

}  // namespace fluxmetrics::api
