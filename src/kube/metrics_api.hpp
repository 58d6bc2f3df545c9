// The metric APIs of Kubernetes that this program serves: each group in each of its versions.
#pragma once

#include <array>

namespace fluxmetrics::kube {

struct MetricsApi {
  const char* group;
  const char* version;
};
inline constexpr std::array<MetricsApi, 3> metrics_apis = {{{"custom.metrics.k8s.io", "v1beta1"},
                                                            {"custom.metrics.k8s.io", "v1beta2"},
                                                            {"external.metrics.k8s.io", "v1beta1"}}};

}  // namespace fluxmetrics::kube
