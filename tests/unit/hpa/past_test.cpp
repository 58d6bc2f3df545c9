#include "hpa/past.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/rfc3339.hpp"

namespace fluxmetrics::hpa {
namespace {

namespace json = boost::json;

constexpr std::string_view held = R"({
  "metadata": {"name": "x", "creationTimestamp": "2026-11-30T03:39:00Z",
               "ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "mine"}]},
  "status": {"currentReplicas": 8, "desiredReplicas": 8, "lastScaleTime": "2026-11-30T03:40:00Z", "conditions": [
    {"type": "AbleToScale", "status": "True", "reason": "ScaleDownStabilized", "message": "m"},
    {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "m"},
    {"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange", "message": "m"}]}})";

HpaPast past_of(std::string_view text) {
  return read_hpa_past(json::parse(text).as_object(), *parse_rfc3339("2026-11-30T03:41:00Z"));
}

TEST(HpaPast, IsReadFromWhatIsStored) {
  const auto past = past_of(held);
  EXPECT_EQ(past.age_ms, 120'000);
  EXPECT_EQ(past.last_scale_ms, 60'000);
  EXPECT_EQ(past.current_replicas, 8);
  EXPECT_EQ(past.scaled_object, "mine");
  EXPECT_FALSE(past.scaled_to_zero());
}

TEST(HpaPast, KnowsThatKubernetesLeavesZeroOut) {
  const auto past = past_of(R"({"status": {"desiredReplicas": 0, "conditions": [
    {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
    {"type": "ScaledToZero", "status": "True", "reason": "ScaledToZero"}]}})");
  EXPECT_EQ(past.current_replicas, 0);
  EXPECT_TRUE(past.scaled_to_zero());
  EXPECT_FALSE(past_of(R"({"status": {"desiredReplicas": 0}})").current_replicas) << "no sync yet";
  EXPECT_FALSE(past_of(R"({"status": {"desiredReplicas": 0, "conditions": [
    {"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"}]}})")
                   .current_replicas)
      << "nobody read it";
  for (const auto* odd :
       {"{}", R"({"metadata": [], "status": "x"})", R"({"status": {"conditions": [1, {}]}})"})
    EXPECT_FALSE(past_of(odd).synced()) << odd;
}

TEST(HpaPast, BoundsTheAgeOfWhatHoldsASizeBack) {
  auto past = past_of(held);
  EXPECT_EQ(oldest_recommendation_ms(past, 8, true, 15'000), 120'000) << "not older than the HPA";
  EXPECT_EQ(oldest_recommendation_ms(past, 8, false, 15'000), std::nullopt) << "another direction";
  EXPECT_EQ(oldest_recommendation_ms(past, 9, true, 15'000), std::nullopt) << "someone set another size";
  past.conditions.set("AbleToScale", true, "ReadyForNewScale", "", 0);
  EXPECT_EQ(oldest_recommendation_ms(past, 8, true, 15'000), 15'000) << "the last sync wanted it";
  past.conditions.set("ScalingLimited", true, "TooFewReplicas", "", 0);
  EXPECT_EQ(oldest_recommendation_ms(past, 8, true, 15'000), std::nullopt) << "it wanted less";
  EXPECT_EQ(oldest_recommendation_ms(past, 8, false, 15'000), 15'000);
  past.conditions.set("ScalingActive", false, "FailedGetObjectMetric", "", 0);
  EXPECT_EQ(oldest_recommendation_ms(past, 8, false, 15'000), std::nullopt)
      << "the other conditions are stale";
}

}  // namespace
}  // namespace fluxmetrics::hpa
