// Random specs, metrics and pods: nothing crashes, and what must hold for every decision holds.
#include <gtest/gtest.h>
#include <random>

#include "hpa/controller.hpp"

namespace fluxmetrics::hpa {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(engine_);
  }
  bool once_in(int times) { return between(1, times) == 1; }
  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return *(choices.begin() + between(0, static_cast<std::int64_t>(choices.size()) - 1));
  }
  // Small mostly, anything at times.
  std::int64_t quantity() {
    if (once_in(20)) return one_of<std::int64_t>({INT64_MIN, INT64_MAX, -1, 0, 1, INT64_MAX / 2, -INT64_MAX});
    return between(0, 40'000);
  }

 private:
  std::mt19937_64 engine_;
};

ScalingRules random_rules(Dice& dice, bool up) {
  auto rules = up ? default_up_rules() : default_down_rules();
  if (dice.once_in(2)) rules.window_seconds = static_cast<std::int32_t>(dice.one_of({0, 15, 60, 300, 3600}));
  rules.select =
      dice.one_of({PolicySelect::max, PolicySelect::max, PolicySelect::min, PolicySelect::disabled});
  if (dice.once_in(3)) rules.tolerance = dice.one_of({0.0, 0.01, 0.5, 2.0});
  if (dice.once_in(2)) return rules;
  rules.policies.clear();
  for (auto i = dice.between(1, 3); i > 0; --i) {
    rules.policies.push_back(
        {.type = dice.one_of({PolicyType::pods, PolicyType::percent}),
         .value = static_cast<std::int32_t>(dice.one_of({1, 2, 10, 50, 100, 150, INT32_MAX})),
         .period_seconds = static_cast<std::int32_t>(dice.between(1, 1800))});
  }
  return rules;
}

HpaMetric random_metric(Dice& dice) {
  HpaMetric metric;
  metric.source =
      dice.one_of({MetricSource::object, MetricSource::external, MetricSource::pods, MetricSource::resource,
                   MetricSource::container_resource, MetricSource::unknown});
  metric.name = dice.one_of({"cpu", "memory", "m"});
  metric.container = metric.source == MetricSource::container_resource ? "main" : "";
  metric.target.type = dice.one_of({"Value", "AverageValue", "Utilization", ""});
  const auto target = std::max<std::int64_t>(1, dice.quantity());
  if (dice.once_in(2)) metric.target.value = target;
  if (dice.once_in(2) || metric.source == MetricSource::pods) metric.target.average_value = target;
  if (dice.once_in(2)) metric.target.average_utilization = static_cast<std::int32_t>(dice.between(1, 200));
  return metric;
}

HpaSpec random_spec(Dice& dice) {
  HpaSpec spec;
  spec.min = static_cast<std::int32_t>(dice.between(1, 5));
  spec.max = spec.min + static_cast<std::int32_t>(dice.once_in(10) ? INT32_MAX - 10 : dice.between(0, 30));
  for (auto i = dice.between(1, 3); i > 0; --i)
    spec.metrics.push_back(random_metric(dice));
  if (dice.once_in(2))
    spec.behavior = HpaBehavior{.up = random_rules(dice, true), .down = random_rules(dice, false)};
  return spec;
}

void add_pods(Dice& dice, HpaObservation& seen, std::int64_t now) {
  auto& pods = seen.pods.emplace();
  auto& usage = seen.resource.emplace();
  for (auto i = dice.between(0, 8); i > 0; --i) {
    HpaPod pod{.name = "p" + std::to_string(i)};
    pod.phase = dice.one_of({"Running", "Running", "Pending", "Failed", "Succeeded", "Unknown"});
    pod.ready =
        dice.one_of({PodReady::yes, PodReady::yes, PodReady::no, PodReady::unknown, PodReady::absent});
    pod.ready_since_ms = now - dice.between(0, 400'000);
    pod.start_ms = now - dice.between(0, 800'000);
    if (dice.once_in(10)) pod.start_ms.reset();
    pod.deleting = dice.once_in(10);
    if (!dice.once_in(10)) pod.requests.push_back({"main", {{"cpu", dice.quantity()}, {"memory", 1000}}});
    if (dice.once_in(10)) pod.pod_requests["cpu"] = dice.quantity();
    if (!dice.once_in(5)) usage[pod.name]["main"] = {{"cpu", dice.quantity()}, {"memory", dice.quantity()}};
    if (!dice.once_in(5)) seen.pod_metrics["m"][pod.name] = dice.quantity();
    pods.push_back(std::move(pod));
  }
  if (dice.once_in(5)) usage["stranger"]["main"] = {{"cpu", 1000}};
}

HpaObservation random_observation(Dice& dice, std::int32_t size, std::int64_t now) {
  HpaObservation seen{.spec_replicas = size, .status_replicas = size, .selector = "app=x"};
  if (dice.once_in(5)) seen.status_replicas = static_cast<std::int32_t>(dice.between(0, 10));
  if (dice.once_in(50)) seen.selector = dice.one_of({"", "a in (", "!!"});
  seen.pods_listed = size;
  seen.pods_ready = dice.between(0, size);
  if (dice.once_in(2)) add_pods(dice, seen, now);
  for (const auto* name : {"cpu", "memory", "m"}) {
    if (!dice.once_in(8)) seen.object[name] = dice.quantity();
    for (auto i = dice.between(0, 3); i > 0; --i)
      seen.external[name].push_back(dice.quantity());
  }
  seen.resource_time_ms = now - dice.between(0, 60'000);
  seen.resource_window_ms = 30'000;
  if (dice.once_in(40)) seen.faults.get_scale = "no scale";
  if (dice.once_in(40)) seen.faults.update_scale = "no update";
  if (dice.once_in(40)) seen.faults.update_status = "no status";
  if (dice.once_in(40)) seen.faults.conflicts = 5;
  return seen;
}

void check(const HpaSpec& spec, const HpaDecision& decision, std::int32_t before) {
  const bool inside = before >= spec.min && before <= spec.max;
  if (decision.path == HpaPath::computed && inside) {
    EXPECT_GE(decision.replicas, spec.min);
    EXPECT_LE(decision.replicas, spec.max);
  }
  if (decision.path == HpaPath::no_scale || decision.path == HpaPath::no_metric) {
    EXPECT_EQ(decision.replicas, before);
    EXPECT_FALSE(decision.error.empty());
  }
  if (decision.raw && !spec.behavior && *decision.raw >= spec.max) {
    EXPECT_GE(decision.replicas, before);
  }
  // The size changes exactly when an event says so.
  bool rescaled = false;
  for (const auto& event : decision.events)
    rescaled = rescaled || event.reason == "SuccessfulRescale";
  EXPECT_EQ(rescaled, decision.replicas != before);
}

TEST(Fuzz, StaysWithinItsLimitsWhateverComes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Dice dice(seed);
    auto spec = random_spec(dice);
    HpaController controller({}, {.gates = {.scale_to_zero = dice.once_in(2)}});
    auto size = static_cast<std::int32_t>(dice.between(0, 12));
    std::int64_t now = 0;
    for (int step = 0; step < 60; ++step) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << " step " << step);
      if (dice.once_in(40)) controller.restart();
      if (dice.once_in(40)) controller.recreate();
      if (dice.once_in(40)) spec = random_spec(dice);
      const auto decision = controller.sync(spec, random_observation(dice, size, now), now);
      check(spec, decision, size);
      EXPECT_LE(decision.replicas, std::max(spec.max, size));
      size = std::min(decision.replicas, 10'000);
      if (dice.once_in(20)) size = static_cast<std::int32_t>(dice.between(0, 40));
      now += dice.one_of<std::int64_t>({15'000, 15'020, 14'999, 60'000, 1});
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
  }
}

// With as many ready pods as the size says, a larger metric never leads to a smaller size.
TEST(Fuzz, MoreOfTheMetricIsNeverFewerReplicas) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Dice dice(seed);
    auto spec = random_spec(dice);
    const bool average = dice.once_in(2);
    HpaMetric metric{.source = dice.one_of({MetricSource::object, MetricSource::external}), .name = "m"};
    metric.target.type = average ? "AverageValue" : "Value";
    (average ? metric.target.average_value : metric.target.value) = dice.between(1, 5000);
    spec.metrics = {metric};
    // A history that both start from.
    HpaController past;
    auto size = static_cast<std::int32_t>(dice.between(1, 12));
    const auto look = [&](std::int64_t value) {
      HpaObservation seen{.spec_replicas = size, .status_replicas = size, .selector = "app=x"};
      seen.pods_listed = seen.pods_ready = size;
      seen.object["m"] = value;
      seen.external["m"] = {value};
      return seen;
    };
    std::int64_t now = 0;
    for (; now < 300'000; now += 15'000)
      size = std::min(past.sync(spec, look(dice.between(0, 40'000)), now).replicas, 1000);
    std::int32_t last = 0;
    for (std::int64_t value = 0; value <= 60'000; value += dice.between(1, 900)) {
      auto controller = past;
      const auto decision = controller.sync(spec, look(value), now);
      EXPECT_GE(decision.replicas, last) << "seed " << seed << " value " << value;
      last = decision.replicas;
    }
  }
}

}  // namespace
}  // namespace fluxmetrics::hpa
