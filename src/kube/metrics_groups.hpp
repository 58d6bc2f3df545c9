// The API groups that metrics have in Kubernetes.
#pragma once

#include <string_view>

namespace fluxmetrics::kube {

inline constexpr std::string_view custom_metrics_group = "custom.metrics.k8s.io";
inline constexpr std::string_view external_metrics_group = "external.metrics.k8s.io";
inline constexpr std::string_view resource_metrics_group = "metrics.k8s.io";

}  // namespace fluxmetrics::kube
