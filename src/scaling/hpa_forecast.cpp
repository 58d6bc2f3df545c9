#include "scaling/hpa_forecast.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "scaling/hpa_numbers.hpp"

namespace fluxmetrics::scaling {
namespace {

constexpr std::int64_t whole = 1000;      // thousandths
constexpr std::int32_t most_pods = 1000;  // that are made up one by one

// A pod of long standing, with one core requested.
HpaPod settled_pod(std::size_t number) {
  return {.name = fmt::format("pod-{}", number),
          .phase = "Running",
          .ready = PodReady::yes,
          .ready_since_ms = -3'600'000,
          .start_ms = -3'600'000,
          .requests = {{"main", {{"cpu", whole}, {"memory", whole}}}}};
}

// As many settled pods as there are replicas.
void fill_pods(HpaObservation& seen, std::int32_t replicas) {
  auto& pods = seen.pods.emplace();
  for (std::int32_t i = 0; i < std::min(replicas, most_pods); ++i)
    pods.push_back(settled_pod(static_cast<std::size_t>(i)));
}

bool per_pod(const HpaMetric& metric) {
  return metric.source == MetricSource::pods || metric.source == MetricSource::resource ||
         metric.source == MetricSource::container_resource;
}

// The value that each metric has at the first sync, in the terms of with_value().
std::vector<std::optional<std::int64_t>> present_values(const Forecast& forecast) {
  std::vector<std::optional<std::int64_t>> values;
  HpaController controller(forecast.flags, forecast.platform);
  auto seen = forecast.seen;
  seen.spec_replicas = std::clamp(seen.spec_replicas, forecast.spec.min, forecast.spec.max);
  const auto decision = controller.sync(forecast.spec, seen, 0);
  for (std::size_t i = 0; i < forecast.spec.metrics.size(); ++i) {
    auto& value = values.emplace_back();
    if (i >= decision.metrics.size() || !decision.metrics[i]) continue;
    const auto& metric = forecast.spec.metrics[i];
    const auto& status = decision.metrics[i]->status;
    if (per_pod(metric)) {
      value = status.utilization ? std::int64_t{*status.utilization} * whole : status.average_value;
    } else if (metric.source == MetricSource::object) {
      if (const auto* found = object_value(seen, metric)) value = *found;
    } else if (const auto found = seen.external.find(metric.name); found != seen.external.end()) {
      std::int64_t sum = 0;
      for (const auto part : found->second)
        sum = wrap_add(sum, part);
      value = sum;
    }
  }
  return values;
}

bool same_outcome(const ForecastStep& a, const ForecastStep& b) {
  if (a.decision.replicas != b.decision.replicas || a.decision.path != b.decision.path) return false;
  if (b.decision.replicas != b.before) return false;
  for (const auto* type : {"AbleToScale", "ScalingActive", "ScalingLimited"}) {
    const auto* x = a.conditions.find(type);
    const auto* y = b.conditions.find(type);
    if ((x == nullptr) != (y == nullptr)) return false;
    if (x != nullptr && (x->status != y->status || x->reason != y->reason)) return false;
  }
  return true;
}

// The next sync's view: the target has taken the size, its pods are ready, the metric is what it was.
HpaObservation later(const Forecast& forecast, const std::vector<std::optional<std::int64_t>>& values,
                     std::int32_t size) {
  HpaObservation seen{
      .spec_replicas = size,
      .status_replicas = forecast.seen.status_replicas == 0 && size == forecast.seen.spec_replicas ? 0 : size,
      .selector = forecast.seen.selector,
      .pods_listed = size,
      .pods_ready = size};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    auto value = *values[i];
    if (forecast.follows_size && forecast.seen.spec_replicas > 0) {
      value = to_int64(std::round(static_cast<double>(value) * size / forecast.seen.spec_replicas));
    }
    seen = with_value(forecast.spec, std::move(seen), i, value);
  }
  return seen;
}

}  // namespace

HpaObservation with_value(const HpaSpec& spec, HpaObservation seen, std::size_t index,
                          std::int64_t value_milli) {
  const auto& metric = spec.metrics[index];
  switch (metric.source) {
    case MetricSource::object:
      seen.object.erase(fmt::format("{}/{}/{}", metric.object.kind, metric.object.name, metric.name));
      seen.object[metric.name] = value_milli;
      break;
    case MetricSource::external:
      seen.external[metric.name] = {value_milli};
      break;
    case MetricSource::pods: {
      if (!seen.pods) fill_pods(seen, seen.spec_replicas);
      auto& samples = seen.pod_metrics[metric.name];
      samples.clear();
      for (const auto& pod : *seen.pods)
        samples[pod.name] = value_milli;
      break;
    }
    case MetricSource::resource:
    case MetricSource::container_resource: {
      const std::string container = metric.container.empty() ? "main" : metric.container;
      if (!seen.pods) fill_pods(seen, seen.spec_replicas);
      if (!seen.resource) seen.resource.emplace();
      // Each pod requests a hundred of it, so that thousandths of a percent are thousandths of one. What
      // other containers have is part of that.
      for (auto& pod : *seen.pods) {
        pod.pod_requests.clear();
        std::erase_if(pod.requests, [&](const auto& requests) { return requests.first != container; });
        if (pod.requests.empty()) pod.requests.emplace_back(container, Resources{});
        pod.requests.front().second[metric.name] = whole * 100;
        auto& usage = (*seen.resource)[pod.name];
        std::erase_if(usage, [&](const auto& used) { return used.first != container; });
        usage[container][metric.name] = value_milli;
      }
      break;
    }
    case MetricSource::unknown:
      break;
  }
  return seen;
}

std::vector<ForecastStep> play_forward(const Forecast& forecast, std::int64_t span_ms) {
  std::vector<ForecastStep> steps;
  HpaController controller(forecast.flags, forecast.platform);
  const auto values = present_values(forecast);
  auto seen = forecast.seen;
  ForecastStep last;
  for (std::int64_t now = 0; now <= span_ms; now += forecast.period_ms) {
    ForecastStep step{.at_ms = now, .before = seen.spec_replicas};
    step.decision = controller.sync(forecast.spec, seen, now);
    step.conditions = controller.status().conditions;
    if (steps.empty() || !same_outcome(last, step)) steps.push_back(step);
    last = std::move(step);
    seen = later(forecast, values, last.decision.replicas);
  }
  return steps;
}

std::optional<std::int32_t> proposal_at(const Forecast& forecast, std::size_t index,
                                        std::int64_t value_milli) {
  const auto seen = with_value(forecast.spec, forecast.seen, index, value_milli);
  const std::vector<HpaPod> none;
  const MetricContext context{.seen = seen,
                              .pods = seen.pods ? *seen.pods : none,
                              .tolerances = tolerances_of(forecast.spec, forecast.flags, forecast.platform),
                              .flags = forecast.flags,
                              .platform = forecast.platform,
                              .now_ms = 0};
  const auto proposal = propose(forecast.spec.metrics[index], context);
  if (!proposal) return std::nullopt;
  return std::clamp(proposal->replicas, forecast.spec.min, forecast.spec.max);
}

std::vector<ValueRange> values_for_sizes(const Forecast& forecast, std::size_t index, std::size_t rows) {
  constexpr std::int64_t largest = 1'000'000'000'000;  // 1e9, in thousandths
  const auto at = [&](std::int64_t value) { return proposal_at(forecast, index, value); };
  if (per_pod(forecast.spec.metrics[index]) && forecast.seen.spec_replicas > most_pods) return {};
  if (!at(0) || !at(largest)) return {};
  // The smallest value that leads to `size` or more.
  const auto reaches = [&](std::int32_t size) -> std::optional<std::int64_t> {
    if (*at(largest) < size) return std::nullopt;
    std::int64_t low = 0;
    std::int64_t high = largest;
    while (low < high) {
      const auto middle = low + ((high - low) / 2);
      if (*at(middle) >= size) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  };
  const auto current = std::clamp(forecast.seen.spec_replicas, forecast.spec.min, forecast.spec.max);
  std::vector<ValueRange> ranges;
  const auto span = std::int64_t{forecast.spec.max} - forecast.spec.min;
  for (std::int64_t size = forecast.spec.min; size <= forecast.spec.max; ++size) {
    const bool edge = size == forecast.spec.min || size == forecast.spec.max;
    const bool near = std::abs(size - current) <= static_cast<std::int64_t>(rows) / 2;
    if (!edge && !near && span >= static_cast<std::int64_t>(rows)) {
      // Straight on to what is near.
      size = size < current ? current - (static_cast<std::int64_t>(rows) / 2) - 1
                            : std::int64_t{forecast.spec.max} - 1;
      continue;
    }
    const auto n = static_cast<std::int32_t>(size);
    const auto begin = reaches(n);
    if (!begin || *at(*begin) != n) continue;
    const auto end = n == forecast.spec.max ? std::nullopt : reaches(n + 1);
    ValueRange range{.size = n};
    if (*begin > 0) range.above = *begin - 1;
    if (end) range.upto = *end - 1;
    ranges.push_back(range);
  }
  return ranges;
}

std::optional<std::int64_t> time_between(const HpaSpec& spec, std::int32_t from, std::int32_t to,
                                         std::int64_t period_ms) {
  constexpr std::int64_t day_ms = 86'400'000;
  constexpr std::int64_t most_syncs = 6000;
  // A metric that is the size wanted; tolerance and target are not in question here.
  HpaSpec rules = spec;
  rules.metrics = {{.source = MetricSource::external,
                    .type = "External",
                    .name = "wanted",
                    .target = {.type = "AverageValue", .average_value = whole}}};
  HpaController controller({.tolerance = 0}, {.gates = {.configurable_tolerance = false}});
  auto size = from;
  std::int64_t now = 0;
  for (std::int64_t sync = 0; sync < most_syncs && now <= day_ms; ++sync, now += period_ms) {
    HpaObservation seen{.spec_replicas = size,
                        .status_replicas = size,
                        .selector = "all",
                        .pods_listed = size,
                        .pods_ready = size};
    seen.external["wanted"] = {std::int64_t{to} * whole};
    size = controller.sync(rules, seen, now).replicas;
    if (size == to) return now;
  }
  return std::nullopt;
}

}  // namespace fluxmetrics::scaling
