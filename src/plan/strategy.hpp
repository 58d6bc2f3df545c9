// The strategies that a plan compares: who decides the size, and by what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hpa/spec.hpp"

namespace fluxmetrics::plan {

enum class PlanMetric { none, nodes_up, cpu, pending, wanted, wanted_drained };

struct PlanStrategy {
  std::string name = {};
  std::string text = {};  // one sentence
  PlanMetric metric = PlanMetric::none;
  std::optional<hpa::HpaSpec> hpa = {};  // none: the size stays, or the bound
  bool starts_at_max = false;
  bool bound = false;  // knows the trace beforehand and waits for no node
};

// All of them for sizes from `min` to `max`.
[[nodiscard]] std::vector<PlanStrategy> plan_strategies(std::int32_t min, std::int32_t max);

}  // namespace fluxmetrics::plan
