// The fields of a HorizontalPodAutoscaler and their types.
#pragma once

#include "kube/strict_decoding.hpp"
#include "scaling/kubernetes_version.hpp"

namespace fluxmetrics::scaling {

// autoscaling/v2 and what it uses of meta/v1, as Kubernetes 1.37 has them.
[[nodiscard]] const kube::GoTypes& hpa_types();
constexpr std::string_view hpa_type = "v2.HorizontalPodAutoscaler";

}  // namespace fluxmetrics::scaling
