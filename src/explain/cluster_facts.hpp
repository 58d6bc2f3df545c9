// What a cluster answered about an HPA's target and metrics, where it is not simply a number: the ground of
// the findings that only a cluster can give.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fluxmetrics::explain {

enum class TargetState { found, unreadable, no_kind, no_object, no_scale };

// A metric that its API did not give. `says` is the answer's own sentence.
struct MetricOutage {
  enum class Kind {
    no_server,    // nothing serves the API group
    unavailable,  // something is to serve it, and does not, or says that it has no value now
    no_metric,    // the server answers, and has no metric of that name
    no_object,    // it has the metric, but not for this object
  };
  std::size_t metric = 0;  // index into spec.metrics
  Kind kind = Kind::unavailable;
  std::string api = {};  // GROUP/VERSION
  int status = 0;        // of HTTP
  std::string says = {};
  std::vector<std::string> offered = {};  // metrics that the server lists
  // The APIService behind it, where there is one and it may be read.
  std::string service = {};    // NAMESPACE/NAME of its Service
  std::string available = {};  // "True" or "False", "" = not known
  std::string why = {};        // REASON: MESSAGE of that condition
};

struct ClusterFacts {
  std::string namespace_ = {};
  TargetState target = TargetState::found;
  std::string target_says = {};      // why the controller does not get the scale
  std::string target_resource = {};  // "miniclusters.flux-framework.org"
  std::string target_version =
      {};  // what the cluster serves, where it is not what scaleTargetRef says; "" = that
  std::vector<std::string> siblings = {};  // objects of the target's kind in the namespace
  std::vector<std::string> same_target =
      {};  // other HPAs of the same target, while no pod is behind its selector
  std::vector<MetricOutage> outages = {};
};

}  // namespace fluxmetrics::explain
