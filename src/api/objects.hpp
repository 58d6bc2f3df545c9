// Which objects of the cluster metrics describe: the Service, the MiniCluster with its pods, the namespace.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/options.hpp"
#include "api/query.hpp"
#include "api/router.hpp"
#include "instance/state.hpp"
#include "kube/metric_value.hpp"
#include "kube/pods.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {

inline constexpr std::string_view minicluster_group = "flux-framework.org";

// The MiniCluster's name: what the user said, or the leader's host name less its "-N"; "" while nobody knows.
// `state` may be null.
[[nodiscard]] std::string minicluster_name(const std::string& said, const instance::InstanceState* state);

// An object that a request means.
struct FoundObject {
  kube::ObjectReference reference;
  std::optional<std::uint32_t> rank;  // of a pod
};

class Objects {
 public:
  // `pods` may be null: then nobody can be asked.
  Objects(const ApiOptions& options, const kube::PodStore* pods) : options_(options), pods_(pods) {}

  // What the path and the selectors name, sorted; `state` may be null before the first snapshot. Errors: 404
  // with the names that exist, 400, and for pods 403 or 503 when they may not or cannot be listed.
  [[nodiscard]] std::expected<std::vector<FoundObject>, kube::Status> find(
      const MetricPath& path, const MetricQuery& query, const instance::InstanceState* state) const;

  // What the answer about pods depends on, besides the snapshot.
  [[nodiscard]] std::uint64_t pods_generation() const { return pods_ == nullptr ? 0 : pods_->generation(); }

 private:
  [[nodiscard]] std::expected<std::vector<FoundObject>, kube::Status> find_pods(
      const MetricPath& path, const MetricQuery& query, const instance::InstanceState* state) const;
  [[nodiscard]] std::string there_are(const instance::InstanceState* state) const;

  const ApiOptions& options_;
  const kube::PodStore* pods_;
};

}  // namespace fluxmetrics::api
