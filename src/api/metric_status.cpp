#include "api/metric_status.hpp"

#include <fmt/ranges.h>
#include <vector>

#include "api/freshness.hpp"
#include "api/selection.hpp"

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

std::optional<kube::Status> check_metric(const MetricPath& path, const kube::Selector& selector,
                                         const metrics::Description* description,
                                         std::span<const metrics::Description> known,
                                         const metrics::View& view, Seconds max_staleness) {
  if (description == nullptr) {
    std::vector<std::string_view> names;
    names.reserve(known.size());
    for (const auto& metric : known)
      names.push_back(metric.name);
    return not_found(
        path, selector,
        fmt::format("{} are {}", path.of_pods ? "metrics of pods" : "there", fmt::join(names, ", ")));
  }
  if (const auto checked = check_labels(*description, selector); !checked) {
    return status_of(checked.error(), path, selector);
  }
  if (const auto trouble = data_trouble(view, max_staleness, std::chrono::steady_clock::now())) {
    return unavailable(path.metric, *trouble);
  }
  return std::nullopt;
}

}  // namespace fluxmetrics::api
