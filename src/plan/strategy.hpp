// The strategies that a plan compares: who decides the size, and by what.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "hpa/spec.hpp"
#include "plan/metrics.hpp"

namespace fluxmetrics::plan {

// Where a metric of an HPA has its values from; from neither: a resource of the pods, or one that fails at
// every sync.
struct PlanSource {
  std::optional<PlanMetric> of_instance = {};
  PlanPodValue of_pods = nullptr;
};

struct PlanStrategy {
  std::string name = {};
  std::optional<hpa::HpaSpec> hpa = {};  // none: the size stays, or the bound
  std::vector<PlanSource> metrics = {};  // one an entry of hpa->metrics
  bool drains = false;                   // drains ranks before node_wanted_count falls
  bool starts_at_max = false;
  bool bound = false;  // knows the trace beforehand and waits for no node

  // node_wanted_count is among its metrics.
  [[nodiscard]] bool follows_wanted() const;
};

// All built-in ones for sizes from `min` to `max`.
[[nodiscard]] std::vector<PlanStrategy> plan_strategies(std::int32_t min, std::int32_t max);

// An HPA as a strategy. `queues`: of the workload, as for find_plan_metric(). Errors: Code::unsupported,
// naming the first metric whose values the model cannot know, and those that it can.
[[nodiscard]] Result<PlanStrategy> hpa_strategy(std::string name, hpa::HpaSpec spec,
                                                std::span<const std::string> queues = {});

// `name`, or with a number behind it when a strategy has that name: "web-2".
[[nodiscard]] std::string unique_name(const std::string& name, std::span<const PlanStrategy> taken);

}  // namespace fluxmetrics::plan
