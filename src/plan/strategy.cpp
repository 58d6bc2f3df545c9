#include "plan/strategy.hpp"

#include <utility>

namespace fluxmetrics::plan {
namespace {

using hpa::HpaSpec;
using hpa::MetricSource;
using hpa::PolicyType;

constexpr std::int64_t one = 1000;  // in thousandths

hpa::HpaSpec object_hpa(std::int32_t min, std::int32_t max, std::string metric, hpa::HpaTarget target) {
  return {.min = min,
          .max = max,
          .metrics = {{.source = hpa::MetricSource::object,
                       .type = "Object",
                       .name = std::move(metric),
                       .object = {.kind = "Service", .name = "custom-metrics-apiserver"},
                       .target = std::move(target)}}};
}

// As the article published it, with its target of 4 grown to the size that is allowed here.
hpa::HpaSpec article_hpa(std::int32_t min, std::int32_t max) {
  auto spec = object_hpa(min, max, "metric", {.type = "Value", .value = max * one});
  const hpa::ScalingRules rules{
      .window_seconds = 120,
      .policies = {{.type = hpa::PolicyType::percent, .value = 100, .period_seconds = 60}}};
  spec.behavior = {.up = rules, .down = rules};
  return spec;
}

// The metric has one name in all of them, whatever it is.
hpa::HpaSpec wanted_hpa(std::int32_t min, std::int32_t max, std::int32_t down_window) {
  auto spec = hpa::follow_wanted_size(min, max, down_window);
  spec.metrics[0].name = "metric";
  return spec;
}

}  // namespace

std::vector<PlanStrategy> plan_strategies(std::int32_t min, std::int32_t max) {
  constexpr std::int64_t cpu_target = 80;
  constexpr std::int32_t guest_window = 300;
  return {
      {.name = "static", .text = "all nodes all the time", .starts_at_max = true},
      {.name = "article",
       .text = "the article's HPA: node_up_count as a Value",
       .metric = PlanMetric::nodes_up,
       .hpa = article_hpa(min, max)},
      {.name = "cpu",
       .text = "an HPA on 80 % CPU",
       .metric = PlanMetric::cpu,
       .hpa = object_hpa(min, max, "metric", {.type = "Value", .value = cpu_target * one})},
      {.name = "pending",
       .text = "an HPA on the number of pending jobs, as KEDA makes it",
       .metric = PlanMetric::pending,
       .hpa = object_hpa(min, max, "metric", {.type = "AverageValue", .average_value = one})},
      {.name = "wanted",
       .text = "an HPA on node_wanted_count; nobody drains",
       .metric = PlanMetric::wanted,
       .hpa = wanted_hpa(min, max, guest_window)},
      {.name = "wanted-drain",
       .text = "an HPA on node_wanted_count; ranks are drained first",
       .metric = PlanMetric::wanted_drained,
       .hpa = wanted_hpa(min, max, 0)},
      {.name = "clairvoyant",
       .text = "knows all jobs beforehand: the bound of node-hours",
       .starts_at_max = true,
       .bound = true},
  };
}

}  // namespace fluxmetrics::plan
