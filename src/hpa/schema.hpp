// The fields of a HorizontalPodAutoscaler and their types.
#pragma once

#include "hpa/kubernetes_version.hpp"
#include "kube/strict_decoding.hpp"

namespace fluxmetrics::hpa {

// autoscaling/v2 and what it uses of meta/v1, as Kubernetes 1.37 has them.
[[nodiscard]] const kube::GoTypes& hpa_types();
constexpr std::string_view hpa_type = "v2.HorizontalPodAutoscaler";

}  // namespace fluxmetrics::hpa
