// The metric APIs of Kubernetes: their groups, and those that this program serves in each of their versions.
#pragma once

#include <array>
#include <string_view>

namespace fluxmetrics::kube {

inline constexpr std::string_view custom_metrics_group = "custom.metrics.k8s.io";
inline constexpr std::string_view external_metrics_group = "external.metrics.k8s.io";
inline constexpr std::string_view resource_metrics_group = "metrics.k8s.io";  // metrics-server's, not ours

struct MetricsApi {
  std::string_view group;
  std::string_view version;
};
inline constexpr std::array<MetricsApi, 3> metrics_apis = {{{custom_metrics_group, "v1beta1"},
                                                            {custom_metrics_group, "v1beta2"},
                                                            {external_metrics_group, "v1beta1"}}};

}  // namespace fluxmetrics::kube
