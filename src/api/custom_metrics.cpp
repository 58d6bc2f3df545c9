#include "api/custom_metrics.hpp"

#include "api/metric_status.hpp"
#include "api/selection.hpp"
#include "kube/quantity.hpp"
#include "metrics/rank_metrics.hpp"

namespace fluxmetrics::api {
// Errors in the order in which a client can mend them: the request, the object, the metric, the data.
std::expected<MetricList, kube::Status> CustomMetrics::list(const Route& route, const http::Target& target,
                                                            const metrics::View& view) const {
  const auto& path = route.metric;
  const auto query = parse_query(target);
  if (!query) return Failure(bad_request(query.error().message));
  if (path.shadows_list && options_.catalogue->find(path.metric) == nullptr) {
    return Failure(bad_request("invalid request path"));
  }
  const auto* state = view.snapshot ? view.snapshot->state.get() : nullptr;
  const auto objects = objects_.find(path, *query, state);
  if (!objects) return Failure(objects.error());
  auto described =
      path.of_pods ? describe_pods(path, *query, *objects, view) : describe(path, *query, *objects, view);
  if (!described) return Failure(std::move(described.error()));

  const auto* family = path.of_pods ? nullptr : view.snapshot->find(path.metric);
  const auto time = family == nullptr ? view.snapshot->confirmed.wall : view.snapshot->time_of(*family);
  std::vector<kube::MetricValue> items;
  items.reserve(described->size());
  for (auto& [object, value] : *described) {
    items.push_back({.object = std::move(object),
                     .metric = path.metric,
                     .timestamp = format_rfc3339(time),
                     .value = std::move(value),
                     .selector = query->echo});
  }
  return MetricList{.object = kube::metric_value_list(route.version, items),
                    .value = items.size() == 1 ? items.front().value : fmt::format("{} items", items.size()),
                    .tells_wanted = !path.of_pods && path.metric == metrics::wanted_name};
}

// Every object has the one value that the selector leaves.
CustomMetrics::Checked<std::vector<CustomMetrics::Described>> CustomMetrics::describe(
    const MetricPath& path, const MetricQuery& query, const std::vector<FoundObject>& objects,
    const metrics::View& view) const {
  const auto value = value_of(path, query, view);
  if (!value) return Failure(value.error());
  std::vector<Described> described;
  described.reserve(objects.size());
  for (const auto& object : objects)
    described.push_back({.object = object.reference, .value = *value});
  return described;
}

// A pod has the value of its rank. Among all pods, those without one are left out.
CustomMetrics::Checked<std::vector<CustomMetrics::Described>> CustomMetrics::describe_pods(
    const MetricPath& path, const MetricQuery& query, const std::vector<FoundObject>& objects,
    const metrics::View& view) const {
  const auto& selector = query.metric_labels;
  const auto* description = metrics::find_rank_description(path.metric);
  if (auto refused = check_metric(path, selector, description, metrics::rank_catalogue(), view,
                                  options_.max_staleness)) {
    return Failure(std::move(*refused));
  }
  std::vector<flux::IdSet::Id> ranks;
  ranks.reserve(objects.size());
  for (const auto& object : objects)
    ranks.push_back(object.rank.value_or(0));
  const auto values = metrics::rank_values(*description, *view.snapshot, ranks);
  if (!values) return Failure(status_of(values.error(), path, selector));
  std::vector<Described> described;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto& value = (*values)[i];
    const auto text = value ? kube::format_quantity(*value) : std::unexpected(value.error());
    if (text) {
      described.push_back({.object = objects[i].reference, .value = *text});
    } else if (path.name != "*") {
      return Failure(unavailable(path.metric, text.error().message));
    }
  }
  return described;
}

CustomMetrics::Checked<std::string> CustomMetrics::value_of(const MetricPath& path, const MetricQuery& query,
                                                            const metrics::View& view) const {
  const auto& selector = query.metric_labels;
  const auto* description = options_.catalogue->find(path.metric);
  if (auto refused = check_metric(path, selector, description, options_.catalogue->descriptions(), view,
                                  options_.max_staleness)) {
    return Failure(std::move(*refused));
  }
  const auto* family = view.snapshot->find(path.metric);
  if (family == nullptr) return Failure(unavailable(path.metric, "Flux's last answer did not contain it"));
  const auto value = select_value(*view.snapshot, *family, selector);
  if (!value) return Failure(status_of(value.error(), path, selector));
  auto text = kube::format_quantity(*value);
  if (!text) return Failure(unavailable(path.metric, text.error().message));
  return std::move(*text);
}

}  // namespace fluxmetrics::api
