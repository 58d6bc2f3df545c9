#include "scaling/hpa_spec.hpp"

namespace fluxmetrics::scaling {

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

}  // namespace fluxmetrics::scaling
