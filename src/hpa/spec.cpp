#include "hpa/spec.hpp"

namespace fluxmetrics::hpa {

ScalingRules default_up_rules() {
  return {.window_seconds = 0,
          .select = PolicySelect::max,
          .policies = {{.type = PolicyType::pods, .value = 4, .period_seconds = 15},
                       {.type = PolicyType::percent, .value = 100, .period_seconds = 15}}};
}

ScalingRules default_down_rules() {
  return {.window_seconds = std::nullopt,
          .select = PolicySelect::max,
          .policies = {{.type = PolicyType::percent, .value = 100, .period_seconds = 15}}};
}

HpaMetric default_metric() {
  return {.source = MetricSource::resource,
          .type = "Resource",
          .name = "cpu",
          .target = {.type = "Utilization", .average_utilization = 80}};
}

HpaSpec follow_wanted_size(std::int32_t min, std::int32_t max, std::int32_t down_window_seconds) {
  constexpr std::int64_t one = 1000;  // in thousandths
  const ScalingRules rules{.window_seconds = 0,
                           .policies = {{.type = PolicyType::pods, .value = max, .period_seconds = 15}},
                           .tolerance = 0.0};
  HpaSpec spec{
      .target = {.api_version = "flux-framework.org/v1alpha2", .kind = "MiniCluster", .name = "flux-sample"},
      .min = min,
      .max = max,
      .metrics = {{.source = MetricSource::object,
                   .type = "Object",
                   .name = "node_wanted_count",
                   .object = {.api_version = "v1", .kind = "Service", .name = "custom-metrics-apiserver"},
                   .target = {.type = "AverageValue", .average_value = one}}},
      .behavior = HpaBehavior{.up = rules, .down = rules}};
  spec.behavior->down.window_seconds = down_window_seconds;
  return spec;
}

}  // namespace fluxmetrics::hpa
