#include "hpa/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "hpa/numbers.hpp"
#include "hpa/sync_schedule.hpp"

namespace fluxmetrics::hpa {
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
  HpaController controller(forecast.flags, forecast.platform, forecast.name);
  auto seen = forecast.seen;
  seen.rivals.clear();
  seen.spec_replicas = std::clamp(seen.spec_replicas, forecast.spec.min, forecast.spec.max);
  const auto decision = controller.sync(forecast.spec, seen, 0);
  for (std::size_t i = 0; i < forecast.spec.metrics.size(); ++i) {
    auto& value = values.emplace_back();
    const auto& metric = forecast.spec.metrics[i];
    if (!metric_fault(seen, metric, "").empty()) continue;
    if (per_pod(metric)) {
      if (i >= decision.metrics.size() || !decision.metrics[i]) continue;
      const auto& status = decision.metrics[i]->status;
      value = status.utilization ? std::int64_t{*status.utilization} * whole : status.average_value;
    } else if (metric.source == MetricSource::object) {
      if (const auto* found = object_value(seen, metric)) value = *found;
    } else if (const auto found = seen.external.find(metric.name);
               found != seen.external.end() && !found->second.empty()) {
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

// A metric that fails now fails later too, for the same reason.
void keep_failing(const Forecast& forecast, const HpaMetric& metric, HpaObservation& seen) {
  const auto& now = forecast.seen;
  if (const auto found = now.external.find(metric.name); found != now.external.end())
    seen.external.insert(*found);
  if (!per_pod(metric)) return;
  if (now.pods) {
    seen.pods = now.pods;
    seen.pods_listed = now.pods_listed;
    seen.pods_ready = now.pods_ready;
  }
  if (const auto found = now.pod_metrics.find(metric.name); found != now.pod_metrics.end())
    seen.pod_metrics.insert(*found);
  if (metric.source != MetricSource::pods) seen.resource = now.resource;
}

// The next sync's view: the target has taken the size, its pods are ready, the metric is what it was.
HpaObservation later(const Forecast& forecast, const std::vector<std::optional<std::int64_t>>& values,
                     std::int32_t size) {
  HpaObservation seen{
      .spec_replicas = size,
      .status_replicas = forecast.seen.status_replicas == 0 && size == forecast.seen.spec_replicas ? 0 : size,
      .selector = forecast.seen.selector,
      .rivals = forecast.seen.rivals,
      .pods_listed = size,
      .pods_ready = size,
      .metric_faults = forecast.seen.metric_faults,
      .faults = forecast.seen.faults};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) keep_failing(forecast, forecast.spec.metrics[i], seen);
  }
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

// When the controller looks at it.
std::vector<std::int64_t> moments(const Forecast& forecast, std::int64_t span_ms) {
  auto platform = forecast.platform;
  // One that is there already is synced at 0 as an HPA that appears is by the newest releases.
  if (!forecast.appears) platform.version = newest_kubernetes;
  const SyncTiming timing{.period_ms = forecast.period_ms, .sync_ms = 0};
  const HpaChangeAt made{.t_ms = 0, .change = HpaChange::create};
  return sync_times({.changes = {made}, .until_ms = std::max(span_ms, forecast.period_ms)}, timing, platform)
      .syncs[made.hpa];
}

}  // namespace

HpaObservation with_value(const HpaSpec& spec, HpaObservation seen, std::size_t index,
                          std::int64_t value_milli) {
  const auto& metric = spec.metrics[index];
  seen.metric_faults.erase(metric_key(metric));
  switch (metric.source) {
    case MetricSource::object:
      set_object_value(seen, metric, value_milli);
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

namespace {

// `held_ms`: how long ago the size was recommended; nullopt: at the first sync, by a controller that has just
// started.
std::vector<ForecastStep> play(const Forecast& forecast, std::int64_t span_ms,
                               std::optional<std::int64_t> held_ms) {
  std::vector<ForecastStep> steps;
  HpaController controller(forecast.flags, forecast.platform, forecast.name);
  controller.assume_conditions(forecast.past.conditions);
  if (held_ms) controller.assume_recommended(forecast.seen.spec_replicas, -*held_ms);
  const auto values = present_values(forecast);
  auto seen = forecast.seen;
  ForecastStep last;
  for (const auto now : moments(forecast, span_ms)) {
    if (now > span_ms && !steps.empty()) break;
    ForecastStep step{.at_ms = now, .before = seen.spec_replicas};
    step.decision = controller.sync(forecast.spec, seen, now);
    step.conditions = controller.status().conditions;
    if (steps.empty() || !same_outcome(last, step)) steps.push_back(step);
    last = std::move(step);
    seen = later(forecast, values, last.decision.replicas);
  }
  return steps;
}

bool same_step(const ForecastStep& a, const ForecastStep& b) {
  return a.before == b.before && a.decision.replicas == b.decision.replicas &&
         a.decision.stabilised == b.decision.stabilised;
}

// What a controller that has run for a while does in the same way, but earlier.
void bound_steps(const Forecast& forecast, std::int64_t span_ms, std::vector<ForecastStep>& steps) {
  constexpr std::int64_t longest_window_ms = 3'600'000;
  const auto& first = steps.front().decision;
  if (!forecast.past.synced() || !first.wanted || *first.wanted == *first.stabilised) return;
  const auto held = oldest_recommendation_ms(forecast.past, steps.front().before,
                                             *first.wanted < steps.front().before, forecast.period_ms)
                        .value_or(longest_window_ms);
  const auto early = play(forecast, span_ms, std::max(held, std::int64_t{1}));
  auto from = early.begin();
  for (auto step = steps.begin() + 1; step != steps.end(); ++step) {
    const auto found =
        std::find_if(from, early.end(), [&](const auto& other) { return same_step(*step, other); });
    if (found == early.end()) continue;
    if (found->at_ms < step->at_ms) step->earliest_ms = found->at_ms;
    from = found;
  }
}

}  // namespace

std::vector<ForecastStep> play_forward(const Forecast& forecast, std::int64_t span_ms) {
  auto steps = play(forecast, span_ms, std::nullopt);
  bound_steps(forecast, span_ms, steps);
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
                              .namespace_ = forecast.name.namespace_,
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
    // The controller counts a utilization in whole percents.
    const bool percents =
        forecast.spec.metrics[index].target.average_utilization && per_pod(forecast.spec.metrics[index]);
    const std::int64_t step = percents ? whole : 1;
    const auto up_to_step = [&](std::int64_t value) { return (value + step - 1) / step * step; };
    const auto least = up_to_step(*begin);
    ValueRange range{.size = n};
    if (least > 0) range.above = least - step;
    if (end) range.upto = up_to_step(*end) - step;
    if (!range.upto || *range.upto >= least) ranges.push_back(range);
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

}  // namespace fluxmetrics::hpa
