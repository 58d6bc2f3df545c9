#include "hpa/kubernetes_version.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::hpa {
namespace {

TEST(KubernetesVersion, IsReadAsPeopleAndClustersWriteIt) {
  for (const auto* text : {"1.36", "v1.36", "1.36.3", "v1.36.3", "1.36+", "v1.36.3-gke.100+5f3e",
                           "v1.36.0-rc.1", "v1.36.7+k3s1"}) {
    const auto version = parse_kubernetes_version(text);
    ASSERT_TRUE(version) << text << ": " << version.error().message;
    EXPECT_EQ(version->minor, 36) << text;
    EXPECT_EQ(to_string(*version), "1.36");
  }
  EXPECT_EQ(KubernetesVersion{}, newest_kubernetes);
  EXPECT_LT(*parse_kubernetes_version("1.27"), *parse_kubernetes_version("1.30"));
}

TEST(KubernetesVersion, RefusesWhatIsNone) {
  for (const auto* text : {"", "1", "1.", "v", "2.36", "1.x", "one", "1.36.", "1.36.x", "1.36,3", " 1.36",
                           "1.36 ", "1.-36", "-1.36", "1.99999999999", "vv1.36"}) {
    const auto version = parse_kubernetes_version(text);
    ASSERT_FALSE(version) << text;
    EXPECT_EQ(version.error().code, Code::invalid) << text;
    EXPECT_NE(version.error().message.find("is not a Kubernetes version"), std::string::npos);
  }
}

TEST(KubernetesVersion, KnowsWhichOnesItKnows) {
  const auto old = parse_kubernetes_version("v1.26.15");
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::unsupported);
  EXPECT_EQ(old.error().message, "Kubernetes v1.26.15 is not known: there are 1.27 to 1.37");
  EXPECT_FALSE(parse_kubernetes_version("1.38"));
  const auto newer = nearest_kubernetes_version("v1.40.1");
  ASSERT_TRUE(newer);
  EXPECT_EQ(newer->version, newest_kubernetes);
  EXPECT_FALSE(newer->exact);
  const auto older = nearest_kubernetes_version("1.25");
  ASSERT_TRUE(older);
  EXPECT_EQ(older->version, oldest_kubernetes);
  EXPECT_FALSE(older->exact);
  EXPECT_TRUE(nearest_kubernetes_version("1.36")->exact);
}

TEST(HpaGates, FollowTheirHistory) {
  struct Row {
    std::int32_t minor;
    HpaGates gates;
  };
  const auto row = [](std::int32_t minor, bool tolerance, bool zero, bool generation, bool pods) {
    return Row{.minor = minor,
               .gates = {.configurable_tolerance = tolerance,
                         .scale_to_zero = zero,
                         .generation = generation,
                         .pod_level_resources = pods}};
  };
  for (const auto& [minor, gates] : {row(27, false, false, false, false), row(33, false, false, false, false),
                                     row(34, false, false, false, true), row(35, true, false, false, true),
                                     row(36, true, false, false, true), row(37, true, true, true, true)}) {
    EXPECT_EQ(default_gates({minor}), gates) << minor;
  }
  EXPECT_EQ(HpaGates{}, default_gates(newest_kubernetes));
  EXPECT_EQ((HpaPlatform{.version = {30}}.gates), default_gates({30}));
}

TEST(HpaGates, CanBeSetWhereTheReleaseHasThem) {
  const auto set = [](std::int32_t minor, std::string_view name, bool on) {
    auto gates = default_gates({minor});
    set_gate(gates, {minor}, name, on);
    return gates;
  };
  EXPECT_TRUE(set(36, "HPAScaleToZero", true).scale_to_zero);
  EXPECT_FALSE(set(37, "HPAScaleToZero", false).scale_to_zero);
  EXPECT_TRUE(set(33, "HPAConfigurableTolerance", true).configurable_tolerance);
  EXPECT_FALSE(set(36, "HPAConfigurableTolerance", false).configurable_tolerance);
  EXPECT_TRUE(set(37, "HPAConfigurableTolerance", false).configurable_tolerance) << "it is locked";
  EXPECT_FALSE(set(32, "HPAConfigurableTolerance", true).configurable_tolerance) << "it is not there yet";
  EXPECT_FALSE(set(36, "HPAGeneration", true).generation) << "it is not there yet";
  EXPECT_EQ(set(37, "NoSuchGate", true), default_gates({37}));
}

}  // namespace
}  // namespace fluxmetrics::hpa
