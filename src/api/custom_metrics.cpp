#include "api/custom_metrics.hpp"

#include <algorithm>

#include "api/freshness.hpp"
#include "api/selection.hpp"
#include "kube/quantity.hpp"
#include "metrics/catalogue.hpp"

namespace fluxmetrics::api {
namespace {

bool is_service(const std::string& resource) {
  return resource == "services" || resource == "service";
}
bool is_namespace(const std::string& resource) {
  return resource == "namespaces" || resource == "namespace";
}

kube::Status bad_request(std::string message) {
  return {.code = 400, .reason = "BadRequest", .message = std::move(message)};
}

// "the server could not find the metric M for pods web-0 with selector a=b" and the way out.
kube::Status not_found(const MetricPath& path, const kube::Selector& selector, std::string_view hint) {
  const auto object = path.name == "*" ? path.resource : path.resource + " " + path.name;
  const auto with = selector.empty() ? std::string() : " with selector " + selector.to_string();
  return {.code = 404,
          .reason = "NotFound",
          .message = fmt::format("the server could not find the metric {} for {}{}: {}", path.metric, object,
                                 with, hint)};
}

kube::Status unavailable(const MetricPath& path, std::string_view why) {
  return {.code = 503,
          .reason = "ServiceUnavailable",
          .message = fmt::format("the metric {} has no value now: {}", path.metric, why)};
}

kube::Status status_of(const Error& error, const MetricPath& path, const kube::Selector& selector) {
  return error.code == Code::not_found ? not_found(path, selector, error.message)
                                       : unavailable(path, error.message);
}

std::string known_metrics() {
  std::vector<std::string_view> names;
  names.reserve(metrics::catalogue().size());
  for (const auto& metric : metrics::catalogue())
    names.push_back(metric.name);
  return fmt::format("there are {}", fmt::join(names, ", "));
}

// The labels that an object certainly has. Of a Service we know none: reading it would take the cluster's
// API.
std::vector<std::pair<std::string, std::string>> known_labels(const kube::ObjectReference& object) {
  if (object.kind != "Namespace") return {};
  return {{"kubernetes.io/metadata.name", object.name}};
}

}  // namespace

MetricAnswer CustomMetrics::answer(KnownRequest& request) const {
  const auto view = store_.view();
  const auto now = std::chrono::steady_clock::now();
  MetricAnswer answer;
  answer.age = age_of(view, now);

  const bool fresh = !data_trouble(view, options_.max_staleness, now);
  if (!fresh || view.snapshot->generation != request.generation) {
    auto encoded = encode(request.route, *request.target, request.negotiated.layout, view);
    if (!encoded) {
      answer.message = encoded.error().message;
      answer.response = to_response(encoded.error(), request.negotiated.layout);
      return answer;
    }
    request.body = std::move(encoded->body);
    request.value = std::move(encoded->value);
    request.generation = view.snapshot->generation;
  }
  answer.response.body = request.body;
  answer.value = request.value;
  return answer;
}

// Errors in the order in which a client can mend them: the request, the object, the metric, the data.
CustomMetrics::Checked<CustomMetrics::Encoded> CustomMetrics::encode(const Route& route,
                                                                     const http::Target& target,
                                                                     kube::Layout layout,
                                                                     const metrics::View& view) const {
  const auto& path = route.metric;
  const auto query = parse_query(target);
  if (!query) return Failure(bad_request(query.error().message));
  if (path.shadows_list && metrics::find_description(path.metric) == nullptr) {
    return Failure(bad_request("invalid request path"));
  }
  const auto objects = find_objects(path, *query);
  if (!objects) return Failure(objects.error());
  const auto value = value_of(path, *query, view);
  if (!value) return Failure(value.error());

  std::vector<kube::MetricValue> items;
  items.reserve(objects->size());
  for (const auto& object : *objects) {
    items.push_back({.object = object,
                     .metric = path.metric,
                     .timestamp = format_rfc3339(view.snapshot->confirmed.wall),
                     .value = *value,
                     .selector = query->echo});
  }
  const auto list = kube::metric_value_list(route.version, items);
  return Encoded{.body = std::make_shared<const std::string>(json_body(list, layout)), .value = *value};
}

// There are two objects: the service this API is reached by, and its namespace.
CustomMetrics::Checked<std::vector<kube::ObjectReference>> CustomMetrics::find_objects(
    const MetricPath& path, const MetricQuery& query) const {
  kube::ObjectReference object;
  if (is_service(path.resource)) {
    object = {.kind = "Service", .namespace_ = options_.namespace_, .name = options_.service_name};
  } else if (is_namespace(path.resource) && !path.namespaced) {
    object = {.kind = "Namespace", .namespace_ = "", .name = options_.namespace_};
  }
  const bool all = path.name == "*";
  const bool there = !object.kind.empty() && (all || path.name == object.name) &&
                     (!path.namespaced || path.namespace_ == options_.namespace_);
  if (!there) {
    auto hint = fmt::format("metrics describe services/{} in the namespace {}, and namespaces/{}",
                            options_.service_name, options_.namespace_, options_.namespace_);
    if (path.namespaced && path.namespace_ != options_.namespace_) {
      hint = fmt::format("there is none in the namespace {}; {}", path.namespace_, hint);
    }
    return Failure(not_found(path, query.metric_labels, hint));
  }
  if (all) {
    std::vector<kube::ObjectReference> objects;
    if (selects(query, object, known_labels(object))) objects.push_back(std::move(object));
    return objects;
  }
  const bool other_name = std::ranges::any_of(query.fields, [&](const FieldTerm& term) {
    return term.key == "metadata.name" && term.equal && term.value != path.name;
  });
  if (other_name) return Failure(bad_request("fieldSelector metadata.name doesn't match requested name"));
  return std::vector{std::move(object)};
}

CustomMetrics::Checked<std::string> CustomMetrics::value_of(const MetricPath& path, const MetricQuery& query,
                                                            const metrics::View& view) const {
  const auto& selector = query.metric_labels;
  const auto* description = metrics::find_description(path.metric);
  if (description == nullptr) return Failure(not_found(path, selector, known_metrics()));
  if (const auto checked = check_labels(*description, selector); !checked) {
    return Failure(status_of(checked.error(), path, selector));
  }
  if (const auto trouble = data_trouble(view, options_.max_staleness, std::chrono::steady_clock::now())) {
    return Failure(unavailable(path, *trouble));
  }
  const auto* family = view.snapshot->find(path.metric);
  if (family == nullptr) return Failure(unavailable(path, "the last answer of Flux did not hold it"));
  const auto value = select_value(*view.snapshot, *family, selector);
  if (!value) return Failure(status_of(value.error(), path, selector));
  auto text = kube::format_quantity(*value);
  if (!text) return Failure(unavailable(path, text.error().message));
  return std::move(*text);
}

}  // namespace fluxmetrics::api
