// What the recorded vectors do not show: messages, events, and rules that they touch by chance only.
#include "hpa/controller.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "hpa/spec_json.hpp"

namespace fluxmetrics::hpa {
namespace {

HpaSpec spec_of(std::string_view text) {
  const auto spec = parse_hpa_spec(boost::json::parse(text), "spec");
  EXPECT_TRUE(spec) << (spec ? "" : spec.error().message);
  return spec.value_or(HpaSpec{});
}

HpaSpec follow(std::string_view behavior = "") {
  return spec_of(R"({"minReplicas":1,"maxReplicas":500,"metrics":[{"type":"Object","object":{)"
                 R"("metric":{"name":"m"},"describedObject":{"kind":"Service","name":"x"},)"
                 R"("target":{"type":"AverageValue","averageValue":"1"}}}])" +
                 std::string(behavior) + "}");
}

HpaObservation sees(std::int32_t size, std::int64_t metric) {
  HpaObservation seen{.spec_replicas = size, .status_replicas = size, .selector = "app=x"};
  seen.pods_listed = seen.pods_ready = size;
  seen.object["m"] = metric * 1000;
  return seen;
}

TEST(Controller, TellsWhatItDidAndWhy) {
  HpaController controller;
  const auto decision = controller.sync(follow(), sees(2, 3), 0);
  EXPECT_EQ(decision.replicas, 3);
  ASSERT_EQ(decision.events.size(), 1U);
  EXPECT_EQ(decision.events[0].message, "New size: 3; reason: external metric m(nil) above target");
  const auto* able = controller.status().conditions.find("AbleToScale");
  ASSERT_NE(able, nullptr);
  EXPECT_EQ(able->message, "the HPA controller was able to update the target scale to 3");
  EXPECT_EQ(controller.status().conditions.find("ScalingActive")->message,
            "the HPA was able to successfully calculate a replica count from external metric m(nil)");
  EXPECT_EQ(controller.status().last_scale_ms, 0);
}

TEST(Controller, ScalesByNoneOfTwoThatSelectTheSamePods) {
  HpaController controller;
  auto seen = sees(2, 3);
  seen.rivals = {"a", "b"};
  const auto decision = controller.sync(follow(), seen, 0);
  EXPECT_EQ(decision.replicas, 2);
  EXPECT_FALSE(decision.error.empty());
  const auto* active = controller.status().conditions.find("ScalingActive");
  ASSERT_NE(active, nullptr);
  EXPECT_FALSE(active->status);
  EXPECT_EQ(active->reason, "AmbiguousSelector");
  EXPECT_EQ(active->message,
            "pods by selector app=x are controlled by more than one HPA (e.g. [default/a default/b])");
  seen.rivals.clear();
  EXPECT_EQ(controller.sync(follow(), seen, 15'000).replicas, 3);
}

TEST(Controller, FindsNoScaleOfATargetWhoseApiVersionIsNone) {
  HpaController controller;
  auto spec = follow();
  spec.target = {.api_version = "apps/v1/beta", .kind = "Deployment", .name = "x"};
  const auto decision = controller.sync(spec, sees(2, 3), 0);
  EXPECT_EQ(decision.path, HpaPath::no_scale);
  EXPECT_EQ(decision.replicas, 2);
  EXPECT_TRUE(decision.proposals.empty());
  EXPECT_NE(decision.error.find("apps/v1/beta"), std::string::npos) << decision.error;
  const auto* able = controller.status().conditions.find("AbleToScale");
  ASSERT_NE(able, nullptr);
  EXPECT_FALSE(able->status);
  EXPECT_EQ(able->reason, "FailedGetScale");
  for (const auto* version : {"", "/", "v1", "apps/v1"}) {
    spec.target.api_version = version;
    EXPECT_EQ(HpaController().sync(spec, sees(2, 3), 0).replicas, 3) << version;
  }
}

TEST(Controller, BeginsWithFourWithoutABehaviorAndFiveWithAnEmptyOne) {
  HpaController without;
  EXPECT_EQ(without.sync(follow(), sees(1, 100), 0).replicas, 4);
  HpaController with;
  EXPECT_EQ(with.sync(follow(R"(,"behavior":{})"), sees(1, 100), 0).replicas, 5);
}

TEST(Controller, ToleranceIsNotTheNearestDouble) {
  constexpr auto metric = [](std::string_view tolerance) {
    return spec_of(
        R"({"maxReplicas":500,"metrics":[{"type":"Object","object":{"metric":{"name":"m"},)"
        R"("describedObject":{"kind":"Service","name":"x"},"target":{"type":"Value","value":"10"}}}],)"
        R"("behavior":{"scaleDown":{"stabilizationWindowSeconds":0,"tolerance":")" +
        std::string(tolerance) + R"("}}})");
  };
  HpaController a;
  EXPECT_EQ(a.sync(metric("0.7"), sees(10, 3), 0).replicas, 10) << "0.3 is just within";
  HpaController b;
  EXPECT_EQ(b.sync(metric("0.69"), sees(10, 3), 0).replicas, 3);
}

TEST(Controller, WindowsDifferInTheirLastMoment) {
  // After a drop at 0, exactly 300 s old recommendations still count without a behavior only.
  const auto drop = [](const HpaSpec& spec) {
    HpaController controller;
    std::int64_t now = 0;
    auto size = controller.sync(spec, sees(10, 10), now).replicas;
    while (size == 10 && now < 1'000'000)
      size = controller.sync(spec, sees(10, 2), now += 15'000).replicas;
    return now;
  };
  EXPECT_EQ(drop(follow()), 315'000);
  EXPECT_EQ(drop(follow(R"(,"behavior":{})")), 300'000);
}

TEST(Controller, PercentIsCountedInFloats) {
  HpaController controller;
  const auto spec =
      follow(R"(,"behavior":{"scaleUp":{"policies":[{"type":"Percent","value":10,"periodSeconds":15}]}})");
  EXPECT_EQ(controller.sync(spec, sees(110, 400), 0).replicas, 122);
}

TEST(Controller, AStatusThatCannotBeWrittenIsAnErrorOnlyWhenItWouldChange) {
  HpaController controller;
  controller.sync(follow(), sees(3, 3), 0);
  auto seen = sees(3, 3);
  seen.faults.update_status = "refused";
  EXPECT_EQ(controller.sync(follow(), seen, 15'000).error, "");
  seen.object["m"] = 4000;
  const auto decision = controller.sync(follow(), seen, 30'000);
  EXPECT_NE(decision.error, "");
  EXPECT_EQ(decision.replicas, 4) << "the scale was written before the status";
  EXPECT_EQ(controller.status().conditions.find("AbleToScale")->reason, "ReadyForNewScale");
}

TEST(Controller, TransitionsAreTimesOfTheStatusNotOfTheReason) {
  HpaController controller;
  controller.sync(follow(), sees(3, 3), 1000);
  controller.sync(follow(), sees(3, 4), 16'000);
  EXPECT_EQ(controller.status().conditions.find("AbleToScale")->reason, "SucceededRescale");
  EXPECT_EQ(controller.status().conditions.find("AbleToScale")->since_ms, 1000);
}

TEST(Controller, SelectorsOfMetricsAreShownAsGoPrintsThem) {
  const auto spec = spec_of(
      R"({"maxReplicas":9,"metrics":[{"type":"External","external":{"metric":{"name":"q","selector":{)"
      R"("matchLabels":{"b":"2","a":"1"},"matchExpressions":[{"key":"k","operator":"In","values":["x","y"]}]}},)"
      R"("target":{"type":"AverageValue","averageValue":"1"}}}]})");
  EXPECT_EQ(spec.metrics[0].selector, "a=1,b=2,k in (x,y)");
  EXPECT_EQ(spec.metrics[0].selector_text,
            "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:"
            "[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}");
}

TEST(Controller, PodsWithoutTheSelectorsLabelsAreNotCounted) {
  const auto spec =
      spec_of(R"({"maxReplicas":9,"metrics":[{"type":"Object","object":{"metric":{"name":"m"},)"
              R"("describedObject":{"kind":"Service","name":"x"},"target":{"type":"Value","value":"1"}}}]})");
  auto seen = sees(2, 2);
  seen.pods = std::vector<HpaPod>(4);
  for (std::size_t i = 0; i < 4; ++i)
    (*seen.pods)[i].labels = {{"app", i < 3 ? "x" : "y"}};
  EXPECT_EQ(HpaController().sync(spec, seen, 0).raw, 6);
}

TEST(Controller, RequestsOfWholePodsComeBeforeThoseOfTheirContainers) {
  const auto decide = [](Resources of_the_pod, const std::string& resource, bool gate) {
    auto metric = default_metric();
    metric.name = resource;
    HpaObservation seen{.spec_replicas = 1, .status_replicas = 1, .selector = "app=x"};
    seen.pods = {HpaPod{.name = "p", .ready_since_ms = -3'600'000, .start_ms = -3'600'000}};
    (*seen.pods)[0].requests = {{"a", {{"cpu", 100}, {"memory", 100}}}, {"b", {{"cpu", 100}}}};
    (*seen.pods)[0].pod_requests = std::move(of_the_pod);
    seen.resource = {{"p", {{"a", {{"cpu", 800}, {"memory", 800}}}}}};
    HpaController controller({}, {.gates = {.pod_level_resources = gate}});
    return controller.sync({.max = 100, .metrics = {metric}}, seen, 0).raw;
  };
  EXPECT_EQ(decide({}, "cpu", true), 5) << "800 of 200 at 80 %";
  EXPECT_EQ(decide({{"cpu", 1000}}, "cpu", true), 1);
  EXPECT_EQ(decide({{"cpu", 1000}}, "cpu", false), 5);
  EXPECT_EQ(decide({{"example.com/nic", 1000}}, "cpu", true), 5) << "no such request at the level of pods";
  EXPECT_EQ(decide({}, "memory", true), std::nullopt) << "one container requests none";
  EXPECT_EQ(decide({{"cpu", 1000}}, "memory", true), 10) << "then the others are the pod's";
}

TEST(Controller, WithoutASelectorNothingIsCounted) {
  auto seen = sees(2, 3);
  for (const auto* wrong : {"", "a in ("}) {
    seen.selector = wrong;
    HpaController controller;
    const auto decision = controller.sync(follow(), seen, 0);
    EXPECT_EQ(decision.path, HpaPath::no_metric);
    EXPECT_EQ(controller.status().conditions.find("ScalingActive")->reason, "InvalidSelector");
  }
}

TEST(Spec, IsFilledInAsTheApiServerDoes) {
  const auto spec = spec_of(R"({"maxReplicas":3,"behavior":{"scaleDown":{"selectPolicy":"Min"}}})");
  EXPECT_EQ(spec.min, 1);
  ASSERT_EQ(spec.metrics.size(), 1U);
  EXPECT_EQ(spec.metrics[0].target.average_utilization, 80);
  EXPECT_EQ(spec.behavior->up, default_up_rules());
  EXPECT_EQ(spec.behavior->down.select, PolicySelect::min);
  EXPECT_EQ(spec.behavior->down.window_seconds, std::nullopt);
  EXPECT_FALSE(spec_of(R"({"maxReplicas":3})").behavior);
}

}  // namespace
}  // namespace fluxmetrics::hpa
