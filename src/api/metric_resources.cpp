#include "api/metric_resources.hpp"

#include <fmt/format.h>

#include "api/objects.hpp"
#include "api/router.hpp"
#include "kube/metrics_api.hpp"
#include "metrics/rank_metrics.hpp"

namespace fluxmetrics::api {
namespace {

// All entries of one kind of object must agree whether it lives in namespaces: an aggregator throws away the
// whole list of resources otherwise, and no namespace of the cluster can be deleted.
void add(std::vector<kube::ApiResource>& list, std::string_view resource, std::string_view metric,
         bool namespaced) {
  list.push_back(
      {.name = fmt::format("{}/{}", resource, metric), .namespaced = namespaced, .kind = "MetricValueList"});
}

std::vector<kube::ApiResource> custom_resources(const metrics::Catalogue& catalogue) {
  const auto miniclusters = fmt::format("miniclusters.{}", minicluster_group);
  std::vector<kube::ApiResource> list;
  for (const auto& metric : catalogue) {
    add(list, "services", metric.name, true);
    add(list, "namespaces", metric.name, false);
    add(list, miniclusters, metric.name, true);
  }
  for (const auto& metric : metrics::rank_catalogue())
    add(list, "pods", metric.name, true);
  return list;
}

std::vector<kube::ApiResource> external_resources(const metrics::Catalogue& catalogue) {
  std::vector<kube::ApiResource> list;
  for (const auto& metric : catalogue)
    list.push_back({.name = std::string(metric.name), .kind = "ExternalMetricValueList"});
  return list;
}

}  // namespace

std::vector<kube::ApiGroup> metric_groups(const metrics::Catalogue& catalogue) {
  const auto custom = custom_resources(catalogue);
  return {{.name = std::string(kube::custom_metrics_group),
           .versions = {{.name = "v1beta2", .resources = custom}, {.name = "v1beta1", .resources = custom}}},
          {.name = std::string(kube::external_metrics_group),
           .versions = {{.name = "v1beta1", .resources = external_resources(catalogue)}}}};
}

}  // namespace fluxmetrics::api
