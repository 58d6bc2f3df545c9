// Proposals from metrics that every pod has its own value of (Pods, Resource, ContainerResource): which pods
// count, and what stands in for those that have no sample or are not ready.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "hpa/kubernetes_version.hpp"
#include "hpa/observation.hpp"
#include "hpa/spec.hpp"

namespace fluxmetrics::hpa {

// How far a metric may be from its target, as a part of it, before anything happens.
struct Tolerances {
  double down = 0.1;
  double up = 0.1;
  // Before 1.33 it is the distance from 1 that is compared, which the last bit of a number may tell apart.
  bool as_distance = false;
  // Closed at both ends: 0.9 and 1.1 are within 0.1.
  [[nodiscard]] bool within(double ratio) const {
    if (as_distance) return std::abs(1.0 - ratio) <= up;
    return (1.0 - down) <= ratio && ratio <= (1.0 + up);
  }
};

using Samples = std::map<std::string, std::int64_t>;  // pod -> thousandths

// The target: a value per pod in thousandths, or a percentage of what the pods request.
struct PodTarget {
  std::int64_t value = 0;
  std::optional<std::int32_t> percent = {};
  std::string resource = {};   // "" for a Pods metric
  std::string container = {};  // "" = whole pods
};

struct PodQuestion {
  Samples samples = {};
  std::span<const HpaPod> pods = {};
  PodTarget target = {};
  std::int32_t current = 0;
  Tolerances tolerances = {};
  std::int64_t now_ms = 0;
  std::int64_t sample_time_ms = 0;
  std::int64_t sample_window_ms = 0;
  HpaFlags flags = {};
  HpaPlatform platform = {};
};

struct PodAnswer {
  std::int32_t replicas = 0;
  std::int64_t average = 0;                           // of the samples as they came, thousandths
  std::optional<std::int32_t> utilization = {};       // percent
  double ratio = 0;                                   // the one that decided
  std::size_t counted = 0, missing = 0, unready = 0;  // pods
};

// Errors: the controller's sentence.
[[nodiscard]] Result<PodAnswer> propose_by_pods(PodQuestion question);

}  // namespace fluxmetrics::hpa
