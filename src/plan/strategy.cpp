#include "plan/strategy.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <utility>

#include "base/text.hpp"

namespace fluxmetrics::plan {
namespace {

using hpa::HpaSpec;
using hpa::MetricSource;

constexpr std::int64_t one = 1000;  // in thousandths
constexpr std::string_view wanted_name = "node_wanted_count";

HpaSpec object_hpa(std::int32_t min, std::int32_t max, std::string metric, hpa::HpaTarget target) {
  return {.min = min,
          .max = max,
          .metrics = {{.source = MetricSource::object,
                       .type = "Object",
                       .name = std::move(metric),
                       .object = {.kind = "Service", .name = "custom-metrics-apiserver"},
                       .target = std::move(target)}}};
}

// As the article published it, with its target of 4 grown to the size that is allowed here.
HpaSpec article_hpa(std::int32_t min, std::int32_t max) {
  auto spec = object_hpa(min, max, "node_up_count", {.type = "Value", .value = max * one});
  const hpa::ScalingRules rules{
      .window_seconds = 120,
      .policies = {{.type = hpa::PolicyType::percent, .value = 100, .period_seconds = 60}}};
  spec.behavior = {.up = rules, .down = rules};
  return spec;
}

// Of an HPA whose metrics the model knows.
PlanStrategy built_in(std::string name, HpaSpec spec) {
  return hpa_strategy(std::move(name), std::move(spec)).value();
}

std::string quoted_list(std::span<const std::string_view> names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// What can be played, for somebody whose metric cannot.
std::string playable() {
  return fmt::format("there are cpu (Resource), {} (Pods), and as Object or External {}",
                     quoted_list(plan_pod_metric_names()), quoted_list(plan_metric_names()));
}

std::unexpected<Error> unknown(const hpa::HpaMetric& metric) {
  return fail(Code::unsupported, "plan has no values for the metric {} of type {}: {}",
              printable(metric.name), printable(metric.type), playable());
}

Result<PlanSource> source_of(const hpa::HpaMetric& metric, std::span<const std::string> queues) {
  switch (metric.source) {
    case MetricSource::resource:
      if (metric.name == "cpu") return PlanSource{};
      break;
    case MetricSource::pods:
      if (!metric.selector.empty()) {
        return fail(Code::unsupported, "plan has no values for the metric {}: it has no labels to select by",
                    printable(metric.name));
      }
      if (auto* value = find_plan_pod_metric(metric.name); value != nullptr)
        return PlanSource{.of_pods = value};
      break;
    case MetricSource::object:
    case MetricSource::external: {
      if (!metric.selector_fault.empty()) return PlanSource{};
      // Go's client sends the names of External metrics in lower case.
      const bool external = metric.source == MetricSource::external;
      auto found = find_plan_metric(external ? lowered(metric.name) : metric.name, metric.selector, queues);
      if (found) return PlanSource{.of_instance = std::move(*found)};
      if (found.error().code == Code::not_found) break;
      return fail(Code::unsupported, "plan has no values for the metric {}: {}", printable(metric.name),
                  found.error().message);
    }
    case MetricSource::container_resource:
    case MetricSource::unknown:
      break;
  }
  return unknown(metric);
}

}  // namespace

bool PlanStrategy::follows_wanted() const {
  return std::ranges::any_of(metrics, [](const PlanSource& source) {
    return source.of_instance && source.of_instance->name == wanted_name;
  });
}

Result<PlanStrategy> hpa_strategy(std::string name, hpa::HpaSpec spec, std::span<const std::string> queues) {
  PlanStrategy strategy{.name = std::move(name)};
  for (auto& metric : spec.metrics) {
    auto source = source_of(metric, queues);
    if (!source) return std::unexpected(source.error());
    strategy.metrics.push_back(std::move(*source));
    // An observation knows metrics by name alone.
    if (!metric.selector.empty()) metric.name += fmt::format("{{{}}}", metric.selector);
  }
  strategy.hpa = std::move(spec);
  return strategy;
}

std::string unique_name(const std::string& name, std::span<const PlanStrategy> taken) {
  auto unique = name;
  for (int number = 2; std::ranges::find(taken, unique, &PlanStrategy::name) != taken.end(); ++number)
    unique = fmt::format("{}-{}", name, number);
  return unique;
}

std::vector<PlanStrategy> plan_strategies(std::int32_t min, std::int32_t max) {
  constexpr std::int32_t guest_window = 300;
  HpaSpec on_cpu{.min = min, .max = max, .metrics = {hpa::default_metric()}};
  auto drained = built_in("wanted-drain", hpa::follow_wanted_size(min, max));
  drained.drains = true;
  return {
      {.name = "static", .starts_at_max = true},
      built_in("article", article_hpa(min, max)),
      built_in("cpu", std::move(on_cpu)),
      // As KEDA makes it.
      built_in("pending",
               object_hpa(min, max, "job_pending_count", {.type = "AverageValue", .average_value = one})),
      built_in("wanted", hpa::follow_wanted_size(min, max, guest_window)),
      std::move(drained),
      {.name = "clairvoyant", .starts_at_max = true, .bound = true},
  };
}

}  // namespace fluxmetrics::plan
