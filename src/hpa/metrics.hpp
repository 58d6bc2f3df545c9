// From one metric of an HPA to the number of replicas that it proposes.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "hpa/kubernetes_version.hpp"
#include "hpa/observation.hpp"
#include "hpa/pods.hpp"
#include "hpa/spec.hpp"
#include "hpa/status.hpp"

namespace fluxmetrics::hpa {

struct MetricContext {
  const HpaObservation& seen;
  const std::vector<HpaPod>& pods;  // those that the selector admits
  Tolerances tolerances = {};
  HpaFlags flags = {};
  HpaPlatform platform = {};
  std::string namespace_ = "default";  // of the HPA
  std::int64_t now_ms = 0;
};

struct MetricProposal {
  std::int32_t replicas = 0;
  std::string name = {};  // as conditions and events call the metric
  HpaMetricStatus status = {};
  double ratio = 0;     // usage / target; NaN or infinite when the status says 0 replicas
  bool within = false;  // the tolerance swallowed it
};

struct MetricFailure {
  std::string reason = {};   // FailedGetObjectMetric, ...
  std::string message = {};  // what the condition says
  std::string error = {};    // what the controller reports
};

// The tolerances that hold for `spec`: its own where it has some and the gate is on.
[[nodiscard]] Tolerances tolerances_of(const HpaSpec& spec, const HpaFlags& flags,
                                       const HpaPlatform& platform);

[[nodiscard]] std::expected<MetricProposal, MetricFailure> propose(const HpaMetric& metric,
                                                                   const MetricContext& context);

}  // namespace fluxmetrics::hpa
