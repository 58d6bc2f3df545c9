#include "api/documents.hpp"

#include <algorithm>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/router.hpp"
#include "kube/discovery.hpp"
#include "metrics/catalogue.hpp"

namespace fluxmetrics::api {
namespace {

Document document(const boost::json::value& value) {
  return {.compact = std::make_shared<const std::string>(json_body(value, kube::Layout::compact)),
          .pretty = std::make_shared<const std::string>(json_body(value, kube::Layout::pretty))};
}

Document resource_list(kube::MetricsVersion version) {
  std::vector<kube::ApiResource> resources;
  for (const auto& metric : metrics::catalogue()) {
    resources.push_back(
        {.name = fmt::format("services/{}", metric.name), .namespaced = true, .kind = "MetricValueList"});
    resources.push_back(
        {.name = fmt::format("namespaces/{}", metric.name), .namespaced = false, .kind = "MetricValueList"});
  }
  return document(
      kube::api_resource_list(fmt::format("{}/{}", metrics_group, to_string(version)), resources));
}

// What a Kubernetes API server tells of itself; the version is this program's.
boost::json::value version_document() {
  const std::string version = FLUXMETRICS_VERSION;
  const auto dot = version.find('.');
  const auto major = version.substr(0, dot);
  const auto minor = version.substr(dot + 1, version.find('.', dot + 1) - dot - 1);
  return boost::json::object{{"major", major},
                             {"minor", minor},
                             {"emulationMajor", major},
                             {"emulationMinor", minor},
                             {"minCompatibilityMajor", major},
                             {"minCompatibilityMinor", minor},
                             {"gitVersion", "v" + version},
                             {"gitCommit", ""},
                             {"gitTreeState", ""},
                             {"buildDate", "1970-01-01T00:00:00Z"},
                             {"goVersion", ""},
                             {"compiler", fmt::format("gcc {}.{}", __GNUC__, __GNUC_MINOR__)},
#if defined(__aarch64__)
                             {"platform", "linux/arm64"}};
#else
                             {"platform", "linux/amd64"}};
#endif
}

boost::json::value index_document(const std::string& extra_root, bool prometheus_only) {
  std::vector<std::string> paths = {"/healthz",     "/healthz/ping", "/livez",
                                    "/livez/ping",  "/metrics",      "/readyz",
                                    "/readyz/flux", "/readyz/ping",  "/readyz/shutdown"};
  if (!prometheus_only) {
    const auto group = fmt::format("/apis/{}", metrics_group);
    paths.insert(paths.end(), {"/apis", "/version", group, group + "/v1beta1", group + "/v1beta2"});
  }
  if (!extra_root.empty() && std::ranges::find(paths, extra_root) == paths.end()) paths.push_back(extra_root);
  std::ranges::sort(paths);
  return boost::json::object{{"paths", boost::json::array(paths.begin(), paths.end())}};
}

Body pretty(const boost::json::value& value) {
  return std::make_shared<const std::string>(json_body(value, kube::Layout::pretty));
}

}  // namespace

Documents::Documents(const ApiOptions& options)
    : resources_v1beta1(resource_list(kube::MetricsVersion::v1beta1)),
      resources_v1beta2(resource_list(kube::MetricsVersion::v1beta2)),
      version(pretty(version_document())),
      index(pretty(index_document(options.api_path, options.prometheus_only))) {
  const kube::ApiGroup described{.name = metrics_group, .versions = {"v1beta2", "v1beta1"}};
  group = document(kube::api_group(described));
  group_list = document(kube::api_group_list(
      std::vector{described}, options.port == 0 ? std::string() : fmt::format(":{}", options.port)));
}

}  // namespace fluxmetrics::api
