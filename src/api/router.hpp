// Which part of the API a path belongs to: pure text, no data.
#pragma once

#include <string>
#include <vector>

#include "http/message.hpp"
#include "kube/metric_value.hpp"

namespace fluxmetrics::api {

// The object and the metric that a path names. `name` is "*" for all objects.
struct MetricPath {
  bool namespaced = false;
  std::string namespace_ = {};
  std::string resource = {};
  std::string name = {};
  std::string metric = {};
  bool of_pods = false;       // `resource` is pods, which have metrics of their own
  bool shadows_list = false;  // namespaces/NS/X: an object's metric, or a list of X in other APIs
};

struct Route {
  enum class Kind {
    index,     // the list of paths
    unknown,   // no path of ours: the index again, as 404
    document,  // one of Documents, which are looked for first
    health,
    prometheus,
    metric,            // of custom.metrics.k8s.io
    external_metric,   // its name and namespace are in `metric`
    unknown_in_group,  // 404 as a Status
    subtree,           // of a Subtree, if there is one
  };
  Kind kind = Kind::unknown;
  kube::MetricsVersion version = kube::MetricsVersion::v1beta2;
  MetricPath metric = {};
  std::string endpoint = {};  // of health: "healthz", "livez", "readyz"
  std::string check = {};     // of health: one check's name, or "" for all
};

// `extra_root`: the segments of one more place where the tree of v1beta2 is found; empty = none.
[[nodiscard]] Route find_route(const http::Target& target, const std::vector<std::string>& extra_root);

// "custom/v1/" -> {"custom", "v1"}: an extra root as people write it.
[[nodiscard]] std::vector<std::string> root_segments(const std::string& path);

// Whether only GET is allowed there.
[[nodiscard]] bool is_api(Route::Kind kind);

}  // namespace fluxmetrics::api
