#include "api/external_metrics.hpp"

#include <algorithm>
#include <vector>

#include "api/metric_status.hpp"
#include "api/query.hpp"
#include "api/selection.hpp"
#include "kube/metric_value.hpp"
#include "kube/metrics_api.hpp"
#include "kube/quantity.hpp"
#include "metrics/external_names.hpp"

namespace fluxmetrics::api {
namespace {

using Failure = std::unexpected<kube::Status>;

// What only lists have: the Go server looks at these before anything else.
std::optional<kube::Status> check_list_options(const http::Target& target) {
  const auto watch = target.query_value("watch");
  if (watch && *watch != "false" && *watch != "0") {
    return kube::Status{
        .code = 405,
        .reason = "MethodNotAllowed",
        .message = "watch is not supported on resources of kind \"*.external.metrics.k8s.io\"",
        .details = {.group = std::string(kube::external_metrics_group), .kind = "*"}};
  }
  const auto match = target.query_value("resourceVersionMatch").value_or("");
  if (!match.empty() && target.query_value("resourceVersion").value_or("").empty()) {
    return kube::Status{.code = 422,
                        .reason = "Invalid",
                        .message =
                            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                            "resourceVersionMatch is forbidden unless resourceVersion is provided",
                        .details = {.group = "meta.k8s.io",
                                    .kind = "ListOptions",
                                    .causes = {{.reason = "FieldValueForbidden",
                                                .message = "Forbidden: resourceVersionMatch is forbidden "
                                                           "unless resourceVersion is provided",
                                                .field = "resourceVersionMatch"}}}};
  }
  return std::nullopt;
}

// The items that the selector leaves, by their labels.
std::expected<std::vector<kube::ExternalMetricValue>, kube::Status> values_of(
    const MetricPath& path, const kube::Selector& selector, const metrics::Snapshot& snapshot) {
  const auto* family = snapshot.find(path.metric);
  if (family == nullptr) {
    return Failure(unavailable(path.metric, "Flux's last answer did not contain it"));
  }
  auto items = select_items(snapshot, *family, selector);
  if (!items) return Failure(status_of(items.error(), path, selector));
  std::ranges::sort(*items, {}, &metrics::Item::labels);
  const auto timestamp = format_rfc3339(snapshot.time_of(*family));
  std::vector<kube::ExternalMetricValue> values;
  values.reserve(items->size());
  for (auto& item : *items) {
    auto text = kube::format_quantity(item.value);
    if (!text) return Failure(unavailable(path.metric, text.error().message));
    values.push_back({.metric = path.metric,
                      .labels = std::move(item.labels),
                      .timestamp = timestamp,
                      .value = std::move(*text)});
  }
  return values;
}

}  // namespace

// Errors in the order in which a client can mend them: the request, the namespace, the metric, the data.
std::expected<MetricList, kube::Status> ExternalMetrics::list(const Route& route, const http::Target& target,
                                                              const metrics::View& view) const {
  auto path = route.metric;
  if (auto refused = check_list_options(target)) return Failure(std::move(*refused));
  const auto query = parse_query(target);
  if (!query) return Failure(bad_request(query.error().message));
  const auto& selector = query->labels;
  if (path.namespace_ != options_.namespace_) {
    return Failure(not_found(
        path, selector,
        fmt::format(
            "this server's metrics belong to the namespace {}; their HPA must be in the same namespace",
            options_.namespace_)));
  }
  const auto* description = metrics::find_external(options_.catalogue->descriptions(), path.metric);
  if (description != nullptr) path.metric = description->name;
  if (auto refused = check_metric(path, selector, description, options_.catalogue->descriptions(), view,
                                  options_.max_staleness)) {
    return Failure(std::move(*refused));
  }
  const auto values = values_of(path, selector, *view.snapshot);
  if (!values) return Failure(values.error());
  return MetricList{
      .object = kube::external_metric_value_list(*values),
      .value = values->size() == 1 ? values->front().value : fmt::format("{} items", values->size()),
      .tells_wanted = path.metric == metrics::wanted_name};
}

}  // namespace fluxmetrics::api
