// The same HPA on one release of Kubernetes and on the next: rules that have no feature gate.
#include <gtest/gtest.h>

#include "hpa/controller.hpp"

namespace fluxmetrics::hpa {
namespace {

constexpr std::int64_t one = 1000;  // in thousandths

HpaMetric object(HpaTarget target) {
  return {.source = MetricSource::object,
          .type = "Object",
          .name = "m",
          .object = {.kind = "Service", .name = "x"},
          .target = std::move(target)};
}

HpaMetric external(HpaTarget target) {
  auto metric = object(std::move(target));
  metric.source = MetricSource::external;
  metric.type = "External";
  return metric;
}

HpaObservation sees(std::int32_t size) {
  HpaObservation seen{.spec_replicas = size, .status_replicas = size, .selector = "app=x"};
  seen.pods_listed = seen.pods_ready = size;
  return seen;
}

// The message of ScalingActive, and what the sync returns.
struct Said {
  std::string message, error;
};
Said said(std::int32_t minor, const HpaSpec& spec, const HpaObservation& seen) {
  HpaController controller({}, {.version = {minor}}, {.namespace_ = "hpc", .name = "h"});
  const auto decision = controller.sync(spec, seen, 0);
  return {.message = controller.status().conditions.find("ScalingActive")->message, .error = decision.error};
}

std::int32_t size_after(std::int32_t minor, const HpaSpec& spec, const HpaObservation& seen) {
  return HpaController({}, {.version = {minor}}).sync(spec, seen, 0).replicas;
}

TEST(Versions, NameAnObjectsMetricOtherwise) {
  const HpaSpec spec{.target = {.kind = "MiniCluster", .name = "flux"},
                     .max = 9,
                     .metrics = {object({.type = "Value", .value = one})}};
  const std::string before = "the HPA was unable to compute the replica count: unable to get metric m";
  const std::string why =
      "unable to fetch metrics from custom metrics API: the server could not find the metric m for Service x";
  EXPECT_EQ(said(36, spec, sees(2)).message, before + ": Service on hpc x/" + why);
  EXPECT_EQ(said(37, spec, sees(2)).message, before + " on Service hpc/x: " + why);
  EXPECT_EQ(
      said(37, spec, sees(2)).error,
      "failed to compute desired number of replicas based on listed metrics for MiniCluster/hpc/flux: "
      "invalid metrics (1 invalid out of 1), first error is: failed to get object metric value: unable to "
      "get metric m on Service hpc/x: " +
          why);
}

TEST(Versions, NameAllRivalsOrTwo) {
  auto seen = sees(2);
  seen.rivals = {"a", "z"};
  const HpaSpec spec{.max = 9, .metrics = {object({.type = "Value", .value = one})}};
  EXPECT_EQ(said(36, spec, seen).message,
            "pods by selector app=x are controlled by multiple HPAs: [hpc/a hpc/h hpc/z]");
  EXPECT_EQ(said(37, spec, seen).message,
            "pods by selector app=x are controlled by more than one HPA (e.g. [hpc/a hpc/h])");
}

TEST(Versions, LeaveZeroByOtherRules) {
  HpaSpec spec{.min = 0, .max = 9, .metrics = {object({.type = "AverageValue", .average_value = one})}};
  auto seen = sees(0);
  seen.object["m"] = 3 * one;
  // Until 1.35 nobody remembers who went to zero.
  EXPECT_EQ(size_after(35, spec, seen), 3);
  EXPECT_EQ(size_after(36, spec, seen), 0);
  EXPECT_EQ(size_after(37, spec, seen), 0);
  for (const std::int32_t minor : {35, 36, 37}) {
    HpaController controller({}, {.version = {minor}});
    seen = sees(2);
    seen.object["m"] = 0;
    EXPECT_EQ(controller.sync(spec, seen, 0).replicas, 2) << "the window holds it";
    EXPECT_EQ(controller.sync(spec, seen, 301'000).replicas, 0);
    EXPECT_EQ(controller.status().conditions.find("ScaledToZero") != nullptr, minor == 37) << minor;
    seen = sees(0);
    seen.object["m"] = 3 * one;
    EXPECT_EQ(controller.sync(spec, seen, 316'000).replicas, minor == 36 ? 0 : 3) << minor;
  }
}

TEST(Versions, TryAgainAfterAConflictFrom134On) {
  const HpaSpec spec{.max = 9, .metrics = {object({.type = "AverageValue", .average_value = one})}};
  auto seen = sees(2);
  seen.object["m"] = 3 * one;
  seen.faults.conflicts = 1;
  EXPECT_EQ(size_after(33, spec, seen), 2);
  EXPECT_EQ(size_after(34, spec, seen), 3);
}

TEST(Versions, CapNumbersThatAreTooLarge) {
  constexpr auto huge = std::numeric_limits<std::int64_t>::max() - 999;
  const HpaSpec by_value{.max = 9, .metrics = {external({.value = one})}};
  const HpaSpec by_average{.max = 9, .metrics = {external({.average_value = one})}};
  auto seen = sees(2);
  seen.external["m"] = {huge};
  // More than 32 bits: the smallest number of all, so that the HPA shrinks; later the largest.
  EXPECT_EQ(HpaController({}, {.version = {34}}).sync(by_value, seen, 0).raw,
            std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(size_after(35, by_value, seen), 4) << "twice the size, or 4";
  EXPECT_EQ(HpaController({}, {.version = {33}}).sync(by_average, seen, 0).raw,
            std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(size_after(34, by_average, seen), 4);
  // Negative sums are taken for ones that have overflown from 1.34 on.
  seen.external["m"] = {-5 * one};
  EXPECT_EQ(HpaController({}, {.version = {33}}).sync(by_average, seen, 0).raw, -5);
  EXPECT_EQ(size_after(34, by_average, seen), 4);
  // A sum that wraps to -2, and one that does not.
  seen.external["m"] = {huge, huge};
  EXPECT_EQ(HpaController({}, {.version = {34}}).sync(by_value, seen, 0).raw, -4);
  EXPECT_EQ(size_after(35, by_value, seen), 4);
}

// 1.1 is nearer to 1 than 0.1 only in decimal numbers.
TEST(Versions, CompareARatioWithTheToleranceByOtherNumbers) {
  const HpaSpec spec{.max = 30, .metrics = {object({.type = "AverageValue", .average_value = one})}};
  auto seen = sees(10);
  seen.object["m"] = 11 * one;
  EXPECT_EQ(size_after(32, spec, seen), 11);
  EXPECT_EQ(size_after(33, spec, seen), 10);
}

TEST(Versions, TakeAPodWithoutASampleForIdleBefore128) {
  const HpaSpec spec{.max = 9,
                     .metrics = {{.source = MetricSource::pods,
                                  .type = "Pods",
                                  .name = "m",
                                  .target = {.type = "AverageValue", .average_value = one}}}};
  auto seen = sees(2);
  seen.pods = {HpaPod{.name = "a"}, HpaPod{.name = "b"}};
  seen.pod_metrics["m"] = {{"a", one}};
  EXPECT_EQ(HpaController({}, {.version = {27}}).sync(spec, seen, 0).raw, 1);
  EXPECT_EQ(HpaController({}, {.version = {28}}).sync(spec, seen, 0).raw, 2);
}

TEST(Versions, FailOnAContainerThatIsNotThereFrom135On) {
  const HpaSpec spec{.max = 9,
                     .metrics = {{.source = MetricSource::container_resource,
                                  .type = "ContainerResource",
                                  .name = "cpu",
                                  .container = "app",
                                  .target = {.type = "Utilization", .average_utilization = 50}}}};
  auto seen = sees(2);
  seen.pods = {HpaPod{.name = "a", .ready_since_ms = -3'600'000, .start_ms = -3'600'000},
               HpaPod{.name = "b", .ready_since_ms = -3'600'000, .start_ms = -3'600'000}};
  (*seen.pods)[0].requests = {{"app", {{"cpu", one}}}};
  (*seen.pods)[1].requests = {{"other", {{"cpu", one}}}};
  seen.resource = {{"a", {{"app", {{"cpu", one}}}}}, {"b", {{"app", {{"cpu", one}}}}}};
  EXPECT_EQ(HpaController({}, {.version = {34}}).sync(spec, seen, 0).raw, 8) << "200 % of 50 % for 2 pods";
  EXPECT_EQ(HpaController({}, {.version = {35}}).sync(spec, seen, 0).raw, std::nullopt);
}

TEST(Versions, ReadRequestsOfWholePodsFrom134On) {
  auto metric = default_metric();
  const HpaSpec spec{.max = 9, .metrics = {metric}};
  auto seen = sees(1);
  seen.pods = {HpaPod{.name = "a", .ready_since_ms = -3'600'000, .start_ms = -3'600'000}};
  (*seen.pods)[0].requests = {{"app", {{"cpu", 200}}}};
  (*seen.pods)[0].pod_requests = {{"cpu", one}};
  seen.resource = {{"a", {{"app", {{"cpu", 800}}}}}};
  EXPECT_EQ(HpaController({}, {.version = {33}}).sync(spec, seen, 0).raw, 5);
  EXPECT_EQ(HpaController({}, {.version = {34}}).sync(spec, seen, 0).raw, 1);
}

TEST(Versions, CountEditsOfTheSpecFrom137On) {
  const HpaSpec spec{.max = 9, .metrics = {object({.type = "AverageValue", .average_value = one})}};
  auto seen = sees(2);
  seen.object["m"] = 2 * one;
  for (const std::int32_t minor : {36, 37}) {
    HpaController controller({}, {.version = {minor}});
    controller.edited();
    (void)controller.sync(spec, seen, 0);
    EXPECT_EQ(controller.status().observed_generation,
              minor == 37 ? std::optional(std::int64_t{2}) : std::nullopt);
    // Not when the scale cannot be read.
    controller.edited();
    seen.faults.get_scale = "gone";
    (void)controller.sync(spec, seen, 15'000);
    EXPECT_NE(controller.status().observed_generation, std::optional(std::int64_t{3}));
    seen.faults.get_scale.clear();
  }
}

}  // namespace
}  // namespace fluxmetrics::hpa
