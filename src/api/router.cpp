#include "api/router.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "api/subtree.hpp"
#include "kube/metrics_api.hpp"

namespace fluxmetrics::api {
namespace {

using RouteKind = Route::Kind;

using Segments = std::span<const std::string>;

// What follows .../custom.metrics.k8s.io/VERSION.
Route find_below(Segments rest, kube::MetricsVersion version) {
  Route route{.kind = RouteKind::unknown_in_group, .version = version};
  if (rest.empty()) {
    route.kind = RouteKind::document;
    return route;
  }
  const bool in_namespace = rest[0] == "namespaces";
  if (rest.size() == 3) {
    route.kind = RouteKind::metric;
    route.metric = {.resource = rest[0], .name = rest[1], .metric = rest[2], .shadows_list = in_namespace};
  } else if (in_namespace && rest.size() == 4 && rest[2] == "metrics") {
    // The metric describes the namespace itself.
    route.kind = RouteKind::metric;
    route.metric = {.resource = "namespaces", .name = rest[1], .metric = rest[3]};
  } else if (in_namespace && rest.size() == 5 && rest[2] != "metrics") {
    route.kind = RouteKind::metric;
    route.metric = {
        .namespaced = true, .namespace_ = rest[1], .resource = rest[2], .name = rest[3], .metric = rest[4]};
  }
  route.metric.of_pods = route.metric.resource == "pods" || route.metric.resource == "pod";
  return route;
}

// What follows /apis/external.metrics.k8s.io.
Route find_external(Segments rest) {
  const bool metric = rest.size() == 4 && rest[0] == "v1beta1" && rest[1] == "namespaces";
  if (!metric) return {.kind = RouteKind::unknown_in_group};
  return {.kind = RouteKind::external_metric,
          .metric = {.namespaced = true, .namespace_ = rest[2], .metric = rest[3]}};
}

Route find_api(Segments path) {
  if (path.empty()) return {.kind = RouteKind::document};
  if (path[0] == kube::external_metrics_group) return find_external(path.subspan(1));
  if (path[0] != kube::custom_metrics_group) return {.kind = RouteKind::unknown};
  if (path.size() == 1) return {.kind = RouteKind::document};
  for (const auto version : {kube::MetricsVersion::v1beta1, kube::MetricsVersion::v1beta2}) {
    if (path[1] == to_string(version)) return find_below(path.subspan(2), version);
  }
  return {.kind = RouteKind::unknown_in_group};
}

bool is_health(const std::string& name) {
  return name == "healthz" || name == "livez" || name == "readyz";
}

}  // namespace

Route find_route(const http::Target& target, const std::vector<std::string>& extra_root) {
  const Segments path(target.segments);
  Route route;
  if (path.empty()) {
    route.kind = RouteKind::index;
  } else if (path[0] == "apis") {
    route = find_api(path.subspan(1));
  } else if (path[0] == "version" && path.size() == 1) {
    route.kind = RouteKind::document;
  } else if (path[0] == "metrics" && path.size() == 1) {
    route.kind = RouteKind::prometheus;
  } else if (path[0] == subtree_root) {
    route.kind = RouteKind::subtree;
  } else if (is_health(path[0])) {
    route = {.kind = RouteKind::health,
             .endpoint = path[0],
             .check = fmt::format("{}", fmt::join(path.subspan(1), "/"))};
  }
  const bool below_extra_root = !extra_root.empty() && path.size() >= extra_root.size() &&
                                std::ranges::equal(path.first(extra_root.size()), extra_root);
  if (below_extra_root && (route.kind == RouteKind::unknown || route.kind == RouteKind::unknown_in_group)) {
    route = find_below(path.subspan(extra_root.size()), kube::MetricsVersion::v1beta2);
  }
  if (target.empty_segment)
    route.kind = is_api(route.kind) ? RouteKind::unknown_in_group : RouteKind::unknown;
  return route;
}

std::vector<std::string> root_segments(const std::string& path) {
  const auto target = http::parse_target(path.starts_with('/') ? path : "/" + path);
  return target ? target->segments : std::vector<std::string>();
}

bool is_api(RouteKind kind) {
  return kind != RouteKind::index && kind != RouteKind::unknown && kind != RouteKind::health &&
         kind != RouteKind::prometheus && kind != RouteKind::subtree;
}

}  // namespace fluxmetrics::api
