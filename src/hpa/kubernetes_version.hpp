// The release of Kubernetes that an HPA is played on, and what its HPA controller has switched on by default.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxmetrics::hpa {

// Kubernetes 1.MINOR; patch releases do not differ in anything that is known here.
struct KubernetesVersion {
  std::int32_t minor = 37;
  auto operator<=>(const KubernetesVersion&) const = default;
};

// The releases that this program knows.
inline constexpr KubernetesVersion oldest_kubernetes{27};
inline constexpr KubernetesVersion newest_kubernetes{37};

[[nodiscard]] std::string to_string(KubernetesVersion version);  // "1.37"

// "1.37", also as kubectl version and clusters write it: "v1.37.2", "1.37+", "v1.36.3-gke.100". Errors:
// Code::invalid for what is none of these; Code::unsupported for a release that is not known.
[[nodiscard]] Result<KubernetesVersion> parse_kubernetes_version(std::string_view text);

// The known release next to what a cluster says of itself, in the same forms. Errors: Code::invalid.
struct NearestKubernetes {
  KubernetesVersion version = {};
  bool exact = true;  // false: the cluster is older than the oldest, or newer than the newest
};
[[nodiscard]] Result<NearestKubernetes> nearest_kubernetes_version(std::string_view text);

// The feature gates that change what an HPA does. ContainerResource metrics have none here: they are on by
// default in each release that is known. Source: pkg/features/kube_features.go of Kubernetes 1.27 to 1.37.
struct HpaGates {
  bool configurable_tolerance = true;  // behavior.*.tolerance
  bool scale_to_zero = true;           // minReplicas 0, and the condition ScaledToZero
  bool generation = true;              // status.observedGeneration, and a sync at once after an edit of spec
  bool pod_level_resources = true;     // Utilization of requests of the pod as a whole
  bool operator==(const HpaGates&) const = default;
};

[[nodiscard]] HpaGates default_gates(KubernetesVersion version);

// A gate is asked to be on or off, as by --feature-gates. One that `version` does not have stays off, one
// that it has locked stays on, and one that is none of those above changes nothing.
void set_gate(HpaGates& gates, KubernetesVersion version, std::string_view name, bool on);

// A release with its gates: what decides how an HPA is played.
struct HpaPlatform {
  KubernetesVersion version = {};
  HpaGates gates = default_gates(version);

  // Whether it is Kubernetes 1.MINOR or newer: some of the controller's rules have no gate.
  [[nodiscard]] bool since(std::int32_t minor) const { return version.minor >= minor; }
};

}  // namespace fluxmetrics::hpa
