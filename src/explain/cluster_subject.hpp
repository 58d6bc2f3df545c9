// Reads an HPA and all that its controller would read from a cluster's API server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "explain/subject.hpp"

namespace fluxmetrics::explain {

struct HpaInCluster {
  std::string namespace_;
  std::string name;
  std::string kubeconfig;                // "" = KUBECONFIG's, else the pod's service account
  std::optional<std::int32_t> replicas;  // instead of the target's spec.replicas
  std::optional<std::int32_t> status;    // instead of its status.replicas
};

// Fills in the HPA, its target's scale, the pods and the metrics as the cluster has them. Errors:
// Code::invalid (no cluster is named, or its kubeconfig cannot be used), not_found, unavailable, protocol.
[[nodiscard]] Result<ExplainSubject> read_cluster_subject(const HpaInCluster& hpa);

}  // namespace fluxmetrics::explain
