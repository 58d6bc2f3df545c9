#include "hpa/vectors.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace fluxmetrics::hpa {
namespace {

VectorReport play_file(const std::string& name) {
  std::ifstream file(std::string(TEST_DATA "/hpa/") + name);
  EXPECT_TRUE(file);
  const auto report = compare_vectors(file);
  EXPECT_TRUE(report) << report.error().message;
  return report.value_or(VectorReport{});
}

void expect_equal(const VectorReport& report) {
  for (const auto& difference : report.differences) {
    ADD_FAILURE() << "line " << difference.line << " (" << difference.scenario << ") step " << difference.step
                  << ": " << difference.field << " is " << difference.decided << ", recorded "
                  << difference.recorded;
  }
}

TEST(Vectors, DecidesAsTheControllerDidAtTheEdges) {
  const auto report = play_file("edge.jsonl");
  EXPECT_EQ(report.scenarios, 60U);
  EXPECT_EQ(report.steps, 482U);
  expect_equal(report);
}

TEST(Vectors, DecidesAsTheControllerDidAtRandom) {
  const auto report = play_file("random.jsonl");
  EXPECT_EQ(report.scenarios, 150U);
  EXPECT_EQ(report.steps, 5530U);
  expect_equal(report);
}

// Small ones from the controller's own code under a false clock: pods of every state, requests of whole pods,
// selectors that are none, gates, numbers out of range, a status that cannot be written.
TEST(Vectors, DecidesAsTheControllerDidWhereTheOthersDoNotGo) {
  const auto report = play_file("more.jsonl");
  EXPECT_EQ(report.scenarios, 29U);
  EXPECT_EQ(report.steps, 156U);
  expect_equal(report);
}

// Recorded by tests/e2e (plan-live): the whole controller in a running control plane.
TEST(Vectors, DecidesAsTheControllerDidInACluster) {
  const auto report = play_file("live.jsonl");
  EXPECT_EQ(report.scenarios, 1U);
  EXPECT_EQ(report.steps, 41U);
  expect_equal(report);
}

// From the controller's own code of 1.37.2, with its texts, its events and the HPA's status.
TEST(Vectors, DecidesAsTheControllerOf137Does) {
  const auto report = play_file("kubernetes-1.37.jsonl");
  EXPECT_EQ(report.scenarios, 80U);
  EXPECT_EQ(report.steps, 493U);
  expect_equal(report);
}

constexpr std::string_view good =
    R"({"name":"s","spec":{"maxReplicas":9,"metrics":[{"type":"Object","object":{"metric":{"name":"m"},)"
    R"("describedObject":{"kind":"Service","name":"x"},"target":{"type":"AverageValue","averageValue":"1"}}}]},)"
    R"("steps":[{"t":0,"in":{"specReplicas":2,"statusReplicas":2,"selector":"a=b","object":{"m":"3"}},)"
    R"("proposals":[3],"raw":3,"replicas":3,"cond":{"AbleToScale":["True","SucceededRescale"],)"
    R"("ScalingActive":["True","ValidMetricFound"],"ScalingLimited":["False","DesiredWithinRange"],)"
    R"("ScaledToZero":["False","NotScaledToZero"]}}]})";

std::string changed(std::string_view from, std::string_view to) {
  std::string line(good);
  const auto at = line.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? line : line.replace(at, from.size(), to);
}

Result<VectorReport> play(const std::string& text) {
  std::istringstream lines(text);
  return compare_vectors(lines);
}

TEST(Vectors, TellsEachDifference) {
  ASSERT_TRUE(play(std::string(good)));
  EXPECT_TRUE(play(std::string(good))->differences.empty());
  struct Case {
    std::string from, to, field;
  };
  for (const auto& [from, to, field] :
       {Case{R"("proposals":[3])", R"("proposals":[4])", "proposals"},
        Case{R"("proposals":[3],)", "", "proposals"}, Case{R"("raw":3)", R"("raw":null)", "raw"},
        Case{R"("replicas":3)", R"("replicas":2)", "replicas"},
        Case{R"(["True","ValidMetricFound"])", R"(["False","ValidMetricFound"])", "cond.ScalingActive"},
        Case{"SucceededRescale", "ReadyForNewScale", "cond.AbleToScale"},
        Case{R"("raw":3)", R"("raw":3,"error":true)", "error"},
        Case{R"(["False","NotScaledToZero"])", R"(["True","ScaledToZero"])", "cond.ScaledToZero"},
        Case{R"("cond":{)", R"("cond":{"Other":["True","Other"],)", "cond.Other"}}) {
    const auto report = play(changed(from, to));
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_EQ(report->differences.size(), 1U) << to;
    EXPECT_EQ(report->differences[0].field, field);
    EXPECT_EQ(report->differences[0].scenario, "s");
  }
}

// The version that a scenario is played on: its own, else the one asked for, else 1.36 where it has gates, as
// the recordings of 1.36.3 have, else the newest. Without the gate HPAScaleToZero there is no condition of
// that name.
TEST(Vectors, AreEachPlayedOnTheirVersion) {
  constexpr std::string_view with_zero = R"("name":"s")";
  const auto zero_told = [](const Result<VectorReport>& report) {
    EXPECT_TRUE(report) << report.error().message;
    return report && report->differences.empty();
  };
  const auto at = [](std::string_view text, std::optional<KubernetesVersion> version) {
    std::istringstream lines{std::string(text)};
    return compare_vectors(lines, version);
  };
  const auto gates = R"("name":"s","gates":{"HPAConfigurableTolerance":true})";
  const auto own = [](std::string_view version) {
    return fmt::format(R"("name":"s","kubernetes":"{}")", version);
  };
  EXPECT_TRUE(zero_told(at(good, {})));
  EXPECT_FALSE(zero_told(at(good, KubernetesVersion{36})));
  EXPECT_FALSE(zero_told(at(changed(with_zero, gates), {})));
  EXPECT_TRUE(zero_told(at(changed(with_zero, gates), KubernetesVersion{37})));
  EXPECT_TRUE(zero_told(at(changed(with_zero, own("1.37")), KubernetesVersion{36})));
  EXPECT_FALSE(zero_told(at(changed(with_zero, own("v1.36.3")), {})));
  const auto on = R"("name":"s","kubernetes":"1.36","gates":{"HPAScaleToZero":true})";
  EXPECT_TRUE(zero_told(at(changed(with_zero, on), {})));
  for (const auto* wrong : {"1.26", "new"}) {
    const auto report = at(changed(with_zero, own(wrong)), {});
    ASSERT_FALSE(report);
    EXPECT_NE(report.error().message.find("line 1: kubernetes cannot be used: "), std::string::npos)
        << report.error().message;
  }
}

// When the first status could not be written, the HPA has no conditions yet.
TEST(Vectors, ConditionsMayBeNull) {
  auto line = changed(R"("raw":3)", R"("raw":3,"error":true,"faults":{"updateStatus":"refused"})");
  const auto begin = line.find(R"("cond":)") + 7;
  const auto end = line.find('}', begin) + 1;
  for (const auto* none : {"{}", "null"}) {
    auto empty = line;
    const auto report = play(empty.replace(begin, end - begin, none));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->differences.empty()) << none;
  }
}

TEST(Vectors, NamesLineAndFieldOfWrongShapes) {
  struct Case {
    std::string from, to, names;
  };
  for (const auto& [from, to, names] :
       {Case{R"("maxReplicas":9,)", "", "spec.maxReplicas is missing"},
        Case{R"("maxReplicas":9)", R"("maxReplicas":"9")", "spec.maxReplicas is a text, not a number"},
        Case{R"("maxReplicas":9)", R"("maxReplicas":9.5)", "spec.maxReplicas is not a whole number"},
        Case{R"("maxReplicas":9)", R"("maxReplicas":99999999999)", "spec.maxReplicas is 99999999999"},
        Case{R"("metric":{"name":"m"},)", "", "spec.metrics[0].object.metric is missing"},
        Case{R"("averageValue":"1")", R"("averageValue":"one")",
             "averageValue is 'one', which is no quantity"},
        Case{R"("t":0)", R"("t":"0")", "steps[0].t is a text"},
        Case{R"("in":{"specReplicas":2,)", R"("in":{)", "steps[0].in.specReplicas is missing"},
        Case{R"("raw":3,)", "", "steps[0].raw is missing"},
        Case{R"("replicas":3,)", "", "steps[0].replicas is missing"},
        Case{R"({"m":"3"})", R"(["3"])", "steps[0].in.object is a list, not an object"},
        Case{R"({"m":"3"})", R"({"m":true})", "steps[0].in.object.m is a boolean"},
        Case{R"("cond":{)", R"("conditions":{)", "steps[0].cond is missing"},
        Case{R"(["True","SucceededRescale"])", R"(["True"])", "steps[0].cond.AbleToScale"},
        Case{R"(["True","SucceededRescale"])", R"(["yes","x"])", "steps[0].cond.AbleToScale[0]"},
        Case{R"("steps":[)", R"("step":[)", "steps is missing"},
        Case{R"({"name":"s")", R"([{"name":"s")", "is not JSON"}}) {
    const auto report = play(std::string(good) + "\n\n" + changed(from, to) + "\n");
    ASSERT_FALSE(report) << to;
    EXPECT_EQ(report.error().code, Code::invalid);
    EXPECT_NE(report.error().message.find("line 3: "), std::string::npos) << report.error().message;
    EXPECT_NE(report.error().message.find(names), std::string::npos) << report.error().message;
  }
}

TEST(Vectors, AStepMayNotGoBackInTime) {
  auto line = std::string(good);
  const auto step = line.substr(line.find("{\"t\":0"), line.size() - line.find("{\"t\":0") - 2);
  auto later = step;
  later.replace(later.find("\"t\":0"), 5, "\"t\":-1");
  line.insert(line.size() - 2, "," + later);
  const auto report = play(line);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("steps[1].t is before"), std::string::npos) << report.error().message;
}

}  // namespace
}  // namespace fluxmetrics::hpa
