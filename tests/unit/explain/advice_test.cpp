// What is said of HPAs: forecasts, values, faults and corrections.
#include "explain/advice.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include <boost/json.hpp>

#include "explain/fix.hpp"
#include "explain/own_metrics.hpp"
#include "explain/repair.hpp"
#include "explain/words.hpp"
#include "hpa/spec_json.hpp"

namespace fluxmetrics::explain {
namespace {

namespace json = boost::json;

constexpr std::string_view rules =
    R"({"selectPolicy":"Max","stabilizationWindowSeconds":120,"policies":[{"type":"Percent","value":100,)"
    R"("periodSeconds":60}]})";

json::object hpa(const std::string& metric, const std::string& target, const std::string& behavior,
                 const std::string& range = R"("minReplicas":2,"maxReplicas":4)") {
  return json::
      parse(R"({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","spec":{)" + range +
            R"(,"scaleTargetRef":{"apiVersion":"flux-framework.org/v1alpha2","kind":"MiniCluster","name":"x"},)" +
            R"("metrics":[{"type":"Object","object":{"describedObject":{"kind":"Service","name":"s"},)" +
            R"("metric":{"name":")" + metric + R"("},"target":)" + target + "}}]" +
            (behavior.empty() ? "" : R"(,"behavior":)" + behavior) + "}}")
          .as_object();
}

json::object article() {
  return hpa("node_up_count", R"({"type":"Value","value":"4"})",
             R"({"scaleUp":)" + std::string(rules) + R"(,"scaleDown":)" + std::string(rules) + "}");
}

AdviceInput input_of(const json::object& document, std::int32_t replicas,
                     std::optional<std::int64_t> metric) {
  AdviceInput input;
  const auto spec = hpa::parse_hpa_spec(document.at("spec"), "spec");
  EXPECT_TRUE(spec) << (spec ? "" : spec.error().message);
  input.forecast.spec = spec.value_or(hpa::HpaSpec{});
  auto& seen = input.forecast.seen;
  seen = {.spec_replicas = replicas,
          .status_replicas = replicas,
          .selector = "app=x",
          .pods_listed = replicas,
          .pods_ready = replicas};
  if (metric) seen = hpa::with_value(input.forecast.spec, seen, 0, *metric * 1000);
  input.forecast.follows_size = counts_own_size(input.forecast.spec.metrics[0]);
  return input;
}

bool found(const AdviceInput& input, std::string_view id, Severity severity) {
  const auto findings = find_faults(input);
  return std::ranges::any_of(
      findings, [&](const Finding& finding) { return finding.id == id && finding.severity == severity; });
}

TEST(Forecast, TheArticlesHpaStaysAtTwo) {
  const auto input = input_of(article(), 2, 2);
  const auto steps = hpa::play_forward(input.forecast, 3'600'000);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].decision.raw, 1);
  EXPECT_EQ(steps[1].conditions.find("ScalingLimited")->reason, "TooFewReplicas");
  EXPECT_EQ(steps[1].at_ms / 1000, 120);
  EXPECT_EQ(steps[1].decision.replicas, 2);
}

TEST(Forecast, GoesWhereAConstantMetricLeads) {
  // From the recorded behaviour of the article's HPA: 5 leads to 3 after 120 s, and then to 4.
  auto input = input_of(article(), 2, 5);
  input.forecast.follows_size = false;
  const auto steps = hpa::play_forward(input.forecast, 600'000);
  std::vector<std::pair<std::int64_t, std::int32_t>> changes;
  for (const auto& step : steps) {
    if (step.decision.replicas != step.before)
      changes.emplace_back(step.at_ms / 1000, step.decision.replicas);
  }
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0], (std::pair<std::int64_t, std::int32_t>(120, 3)));
  EXPECT_EQ(changes[1].second, 4);
}

TEST(Forecast, SaysWhichValuesLeadWhere) {
  const auto ranges = hpa::values_for_sizes(input_of(article(), 2, 2).forecast, 0, 16);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].upto, 4400);
  EXPECT_EQ(ranges[1].above, 4400);
  EXPECT_EQ(ranges[1].upto, 6000);
  EXPECT_EQ(ranges[2].above, 6000);
  EXPECT_EQ(ranges[2].upto, std::nullopt);
  for (const auto& range : ranges) {
    if (range.upto) {
      EXPECT_EQ(hpa::proposal_at(input_of(article(), 2, 2).forecast, 0, *range.upto), range.size);
    }
  }
}

TEST(Forecast, UtilizationIsAskedInPercent) {
  AdviceInput input;
  input.forecast.spec = {.max = 10, .metrics = {hpa::default_metric()}};
  input.forecast.seen = {.spec_replicas = 2, .status_replicas = 2, .selector = "a=b"};
  EXPECT_EQ(hpa::proposal_at(input.forecast, 0, 160'000), 4) << "160 % of 80 % with two pods";
  EXPECT_EQ(hpa::proposal_at(input.forecast, 0, 80'000), 2);
  EXPECT_EQ(hpa::proposal_at(input.forecast, 0, 20'000), 1);
}

TEST(Forecast, ValuesReplaceWhatPodsOfAClusterShow) {
  AdviceInput input;
  input.forecast.spec = {.max = 10, .metrics = {hpa::default_metric()}};
  auto& seen = input.forecast.seen;
  seen = {.spec_replicas = 2, .status_replicas = 2, .selector = "a=b"};
  seen.pods = std::vector<hpa::HpaPod>(2);
  seen.resource.emplace();
  for (std::size_t i = 0; i < 2; ++i) {
    auto& pod = (*seen.pods)[i];
    pod = {.name = std::to_string(i), .ready_since_ms = -3'600'000, .start_ms = -3'600'000};
    pod.requests = {{"flux", {{"cpu", 1000}}}, {"side", {{"cpu", 500}}}};
    pod.pod_requests = {{"cpu", 4000}};
    (*seen.resource)[pod.name] = {{"flux", {{"cpu", 900}}}, {"side", {{"cpu", 1}}}};
  }
  EXPECT_EQ(hpa::proposal_at(input.forecast, 0, 160'000), 4);
  EXPECT_EQ(hpa::values_for_sizes(input.forecast, 0, 16).back().size, 10);
}

TEST(Forecast, HugeNumbersDoNotOverflow) {
  auto input = input_of(article(), 2, 9'000'000'000'000);
  EXPECT_FALSE(hpa::play_forward(input.forecast, 60'000).empty());
  input.forecast.seen.object["node_up_count"] = INT64_MAX;
  EXPECT_FALSE(hpa::play_forward(input.forecast, 60'000).empty());
  EXPECT_FALSE(find_faults(input).empty());
}

TEST(Forecast, KnowsHowLongRatesTake) {
  auto spec =
      input_of(hpa("m", R"({"type":"AverageValue","averageValue":"1"})", "", R"("maxReplicas":64)"), 1, 1)
          .forecast.spec;
  EXPECT_EQ(hpa::time_between(spec, 1, 64, 15'000), 60'000) << "1, 4, 8, 16, 32, 64 at one sync each";
  spec.behavior = hpa::HpaBehavior{.up = hpa::default_up_rules(), .down = hpa::default_down_rules()};
  spec.behavior->up.select = hpa::PolicySelect::disabled;
  EXPECT_EQ(hpa::time_between(spec, 1, 64, 15'000), std::nullopt);
}

// The reasons of a condition over all steps.
std::set<std::string> reasons(const hpa::Forecast& forecast, std::string_view type) {
  std::set<std::string> found;
  for (const auto& step : hpa::play_forward(forecast, 600'000)) {
    if (const auto* condition = step.conditions.find(type)) found.insert(condition->reason);
  }
  return found;
}

TEST(Forecast, WhatStopsTheFirstSyncStopsLaterOnesToo) {
  const auto wanted = hpa("node_wanted_count", R"({"type":"AverageValue","averageValue":"1"})", "{}");
  auto input = input_of(wanted, 2, 4);
  input.forecast.seen.rivals = {"other"};
  EXPECT_EQ(reasons(input.forecast, "ScalingActive"), std::set<std::string>{"AmbiguousSelector"});
  input = input_of(wanted, 2, {});
  input.forecast.seen.metric_faults[hpa::metric_key(input.forecast.spec.metrics[0])] = "the server is away";
  EXPECT_EQ(reasons(input.forecast, "ScalingActive"), std::set<std::string>{"FailedGetObjectMetric"});
  const auto steps = hpa::play_forward(input.forecast, 600'000);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_TRUE(steps[0].decision.error.contains("the server is away"));
  EXPECT_EQ(hpa::proposal_at(input.forecast, 0, 3000), 3) << "what if it were there";
  input.forecast.seen.faults.get_scale = "not found";
  EXPECT_EQ(reasons(input.forecast, "AbleToScale"), std::set<std::string>{"FailedGetScale"});
}

TEST(Forecast, AnEmptyAnswerStaysOne) {
  auto input = input_of(article(), 2, 2);
  input.forecast.spec.metrics = {{.source = hpa::MetricSource::external,
                                  .type = "External",
                                  .name = "q",
                                  .target = {.type = "AverageValue", .average_value = 1000}}};
  input.forecast.seen.external["q"] = {};
  const auto steps = hpa::play_forward(input.forecast, 600'000);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_TRUE(steps[0].decision.error.contains("no metrics returned from external metrics API"));
}

TEST(Forecast, TheStatusSaysWhoWentToZero) {
  auto input = input_of(hpa("node_wanted_count", R"({"type":"AverageValue","averageValue":"1"})", "{}",
                            R"("minReplicas":0,"maxReplicas":4)"),
                        0, 3);
  EXPECT_EQ(hpa::play_forward(input.forecast, 0)[0].decision.path, hpa::HpaPath::disabled);
  EXPECT_TRUE(found(input, "stuck-at-zero", Severity::fault));
  input.forecast.past.conditions.set("ScaledToZero", true, "ScaledToZero", "", 0);
  EXPECT_EQ(hpa::play_forward(input.forecast, 0)[0].decision.replicas, 3);
  EXPECT_FALSE(found(input, "stuck-at-zero", Severity::fault));
}

TEST(Forecast, OfAWindowOnlyBoundsAreKnown) {
  auto input = input_of(article(), 4, 2);  // windows of 120 s
  input.forecast.follows_size = false;
  EXPECT_EQ(hpa::play_forward(input.forecast, 600'000)[1].earliest_ms, std::nullopt)
      << "a controller that starts";
  auto& past = input.forecast.past;
  past = {.age_ms = 60'000, .current_replicas = 4, .desired_replicas = 4};
  past.conditions.set("AbleToScale", true, "ScaleDownStabilized", "", 0);
  past.conditions.set("ScalingActive", true, "ValidMetricFound", "", 0);
  const auto steps = hpa::play_forward(input.forecast, 600'000);
  EXPECT_EQ(steps[0].earliest_ms, std::nullopt);
  ASSERT_TRUE(steps[1].earliest_ms);
  EXPECT_EQ(steps[1].decision.replicas, 2);
  EXPECT_EQ(steps[1].at_ms / 1000, 120);
  EXPECT_EQ(*steps[1].earliest_ms / 1000, 60);
}

TEST(Advice, TheArticlesHpaCannotScaleUp) {
  const auto input = input_of(article(), 2, 2);
  EXPECT_TRUE(found(input, "cannot-scale-up", Severity::fault));
  EXPECT_TRUE(found(input, "feedback", Severity::fault));
  EXPECT_TRUE(found(input, "up-window", Severity::warning));
  EXPECT_TRUE(found(input, "value-needs-ready-pods", Severity::note));
}

TEST(Advice, AHpaThatCanScaleUpIsNotToldItCannot) {
  const auto one = hpa("node_up_count", R"({"type":"Value","value":"1"})", "");
  EXPECT_FALSE(found(input_of(one, 2, 2), "cannot-scale-up", Severity::fault));
  EXPECT_TRUE(found(input_of(one, 2, 2), "feedback", Severity::fault));
}

TEST(Advice, AValueGivenForTheObjectCountsAsOneGivenForTheName) {
  auto input = input_of(hpa("node_cores_up_count", R"({"type":"Value","value":"16"})", ""), 2, std::nullopt);
  input.forecast.seen.object["Service/s/node_cores_up_count"] = 8000;
  EXPECT_TRUE(found(input, "cannot-scale-up", Severity::fault));
}

TEST(Advice, ToleranceMattersFromTenOn) {
  const std::string target = R"({"type":"AverageValue","averageValue":"1"})";
  const auto small = hpa("node_wanted_count", target, "{}", R"("minReplicas":1,"maxReplicas":10)");
  EXPECT_FALSE(found(input_of(small, 2, 2), "tolerance", Severity::fault));
  const auto large = hpa("node_wanted_count", target, "{}", R"("minReplicas":1,"maxReplicas":11)");
  EXPECT_TRUE(found(input_of(large, 2, 2), "tolerance", Severity::fault));
  const auto zero =
      hpa("node_wanted_count", target, R"({"scaleUp":{"tolerance":0},"scaleDown":{"tolerance":0}})",
          R"("minReplicas":1,"maxReplicas":11)");
  EXPECT_FALSE(found(input_of(zero, 2, 2), "tolerance", Severity::fault));
}

TEST(Advice, ScalesThatDoNotFit) {
  auto input = input_of(article(), 2, 2);
  input.max_size = 3;
  EXPECT_TRUE(found(input, "max-above-maxsize", Severity::fault));
  input.max_size = 4;
  EXPECT_FALSE(found(input, "max-above-maxsize", Severity::fault));
  input.forecast.seen.pods_ready = 1;
  EXPECT_TRUE(found(input, "pods-not-ready", Severity::warning));
  input.forecast.seen.pods_ready = 0;
  EXPECT_TRUE(found(input, "pods-not-ready", Severity::fault));
  input.forecast.seen.status_replicas = 0;
  EXPECT_TRUE(found(input, "status-zero", Severity::note));
  input.unknown_metrics = {{.name = "node_up", .meant = "node_up_count"}};
  EXPECT_TRUE(found(input, "unknown-metric", Severity::fault));
}

// The text of the finding; "" when there is none.
std::string text_of(const AdviceInput& input, std::string_view id) {
  for (const auto& finding : find_faults(input))
    if (finding.id == id) return finding.text;
  return "";
}

TEST(Advice, TheFirstMaximumStaysTheLargestSize) {
  auto input = input_of(article(), 2, 2);
  input.maximum_size = 3;
  EXPECT_TRUE(found(input, "max-above-maximumsize", Severity::fault)) << "maxSize was taken away";
  input.max_size = 6;
  EXPECT_TRUE(found(input, "max-above-maximumsize", Severity::fault)) << "maxSize was raised";
  EXPECT_NE(text_of(input, "max-above-maximumsize").find("sets a larger size back to 3"), std::string::npos);
  EXPECT_FALSE(found(input, "max-above-maxsize", Severity::fault));
  input.max_size = 3;
  EXPECT_FALSE(found(input, "max-above-maximumsize", Severity::fault)) << "then it is ignored before";
  EXPECT_TRUE(found(input, "max-above-maxsize", Severity::fault));
  input.maximum_size = 4;
  input.max_size = 4;
  EXPECT_FALSE(found(input, "max-above-maximumsize", Severity::fault));
  EXPECT_FALSE(found(input, "max-above-maxsize", Severity::fault));
}

TEST(Advice, ASizeThatTheOperatorIgnores) {
  auto input = input_of(article(), 2, 2);
  input.max_size = 4;
  input.min_size = 2;
  input.cluster.emplace().namespace_ = "ns";
  auto& seen = input.forecast.seen;
  seen.pods_listed = 3;
  for (const int size : {2, 3, 4}) {
    seen.spec_replicas = size;
    EXPECT_EQ(text_of(input, "size-ignored"), "") << size;
  }
  seen.spec_replicas = 5;
  EXPECT_TRUE(found(input, "size-ignored", Severity::fault));
  EXPECT_EQ(
      text_of(input, "size-ignored"),
      "the size is 5, above the MiniCluster's maxSize 4: its operator ignores it, and 3 pods run on until "
      "another size is set, of 2 to 4");
  seen.spec_replicas = 1;
  EXPECT_EQ(
      text_of(input, "size-ignored"),
      "the size is 1, below the MiniCluster's minSize 2: its operator ignores it, and 3 pods run on until "
      "another size is set, of 2 to 4");
  input.cluster.reset();  // how many pods there are is not known of a file
  EXPECT_EQ(text_of(input, "size-ignored"), "");
}

TEST(Advice, AMiniClusterIsWokenWithTheSizeThatItHas) {
  auto input = input_of(article(), 0, 2);
  input.cluster.emplace().namespace_ = "ns";
  input.cluster->target_resource = "miniclusters.flux-framework.org";
  input.max_size = 4;
  input.min_size = 2;
  input.forecast.seen.pods_listed = 3;
  EXPECT_NE(text_of(input, "stuck-at-zero").find("--replicas=3"), std::string::npos)
      << text_of(input, "stuck-at-zero");
  EXPECT_NE(text_of(input, "stuck-at-zero").find("3 pods run on"), std::string::npos);
  input.forecast.seen.pods_listed = 0;
  EXPECT_NE(text_of(input, "stuck-at-zero").find("--replicas=2"), std::string::npos) << "at least minSize";
}

TEST(Advice, AStatusThatLagsMayStaySo) {
  auto wanted = hpa("node_wanted_count", R"({"type":"AverageValue","averageValue":"1"})", "");
  auto input = input_of(wanted, 3, 3);
  input.forecast.seen.status_replicas = 2;
  EXPECT_NE(text_of(input, "status-lags").find("until the next resize"), std::string::npos);
}

TEST(Advice, PoliciesAndTargetsThatLeadNowhere) {
  const std::string one = R"({"type":"AverageValue","averageValue":"1"})";
  const auto disabled = hpa("m", one, R"({"scaleUp":{"selectPolicy":"Disabled"}})");
  EXPECT_TRUE(found(input_of(disabled, 2, 2), "cannot-reach-max", Severity::fault));
  const auto slow =
      hpa("m", one, R"({"scaleUp":{"policies":[{"type":"Pods","value":1,"periodSeconds":60}]}})");
  EXPECT_TRUE(found(input_of(slow, 2, 2), "slow-up", Severity::warning));
  EXPECT_TRUE(found(input_of(hpa("node_wanted_count", R"({"type":"Value","value":"1"})", ""), 2, 2),
                    "wanted-by-value", Severity::fault));
  EXPECT_TRUE(found(input_of(hpa("m", one, "", R"("minReplicas":0,"maxReplicas":4)"), 1, 2), "min-zero",
                    Severity::warning));
}

TEST(Fix, TheArticlesHpaFollowsTheWantedSize) {
  auto input = input_of(article(), 2, 2);
  input.max_size = 3;
  const auto fixed = fix_hpa(article(), input);
  EXPECT_EQ(fixed.changes.at("/spec/maxReplicas"),
            "was 4: the MiniCluster's operator ignores sizes above maxSize 3");
  auto better = input_of(fixed.document, 2, 3);
  better.max_size = 3;
  for (const auto& finding : find_faults(better))
    EXPECT_EQ(finding.severity, Severity::note) << finding.text;
  const auto steps = hpa::play_forward(better.forecast, 60'000);
  EXPECT_EQ(steps[0].decision.replicas, 3) << "at once";
  const auto text = fixed_yaml(fixed);
  EXPECT_NE(text.find("  # changed: was 4"), std::string::npos) << text;
  EXPECT_NE(text.find("tolerance: \"0\""), std::string::npos) << text;
  // Nothing is left to change.
  EXPECT_TRUE(fix_hpa(fixed.document, better).changes.empty());
}

TEST(Fix, StaysBelowTheFirstMaximum) {
  auto input = input_of(article(), 2, 2);
  input.maximum_size = 3;
  EXPECT_EQ(fix_hpa(article(), input).changes.at("/spec/maxReplicas"),
            "was 4: the MiniCluster's operator sets sizes above status.maximumSize 3 back to it");
  input.max_size = 2;
  EXPECT_EQ(fix_hpa(article(), input).changes.at("/spec/maxReplicas"),
            "was 4: the MiniCluster's operator ignores sizes above maxSize 2");
}

TEST(Fix, LeavesForeignMetricsAlone) {
  const auto other = hpa("requests", R"({"type":"Value","value":"4"})", "");
  const auto fixed = fix_hpa(other, input_of(other, 2, 2));
  EXPECT_TRUE(fixed.changes.empty());
  EXPECT_EQ(fixed.document, other);
}

TEST(Words, NumbersArePlain) {
  EXPECT_EQ(plain_number(3500), "3.5");
  EXPECT_EQ(plain_number(-1), "-0.001");
  EXPECT_EQ(plain_number(4000), "4");
}

TEST(Fields, AMisspeltOneIsFoundAndMended) {
  auto document = hpa("node_wanted_count", R"({"type":"AverageValue","averageVaule":"1"})",
                      R"({"scaleup":{"tolerance":"0"}})", R"("minreplicas":2,"maxReplicas":4,"paused":true)");
  auto input = input_of(document, 2, {});
  EXPECT_FALSE(found(input, "unknown-field", Severity::fault));
  input.refusal = hpa::validate_hpa(document);
  ASSERT_EQ(input.refusal.unknown.size(), 4U);
  std::map<std::string, std::string> meant;
  for (const auto& field : input.refusal.unknown)
    meant[field.where] = field.meant;
  EXPECT_EQ(meant, (std::map<std::string, std::string>{
                       {"spec.minreplicas", "minReplicas"},
                       {"spec.paused", ""},
                       {"spec.metrics[0].object.target.averageVaule", "averageValue"},
                       {"spec.behavior.scaleup", "scaleUp"}}));
  EXPECT_TRUE(found(input, "unknown-field", Severity::fault));
  EXPECT_FALSE(found(input, "wanted-by-value", Severity::fault)) << "there is no Value";
  document["metadata"] = json::object{{"name", "x"}};
  const auto repaired = repair_hpa(document);
  ASSERT_TRUE(repaired);
  EXPECT_EQ(repaired->document.at("spec").at("minReplicas"), 2);
  const auto text = fixed_yaml({.document = repaired->document, .changes = repaired->changes});
  EXPECT_NE(text.find("# changed: was minreplicas\n  minReplicas: 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# changed: removed paused, which does not exist\nspec:\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace fluxmetrics::explain
