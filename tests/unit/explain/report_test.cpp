// What `explain` prints of an HPA, and the corrected one.
#include "explain/report.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/yaml.hpp"
#include "explain/correction.hpp"
#include "explain/own_metrics.hpp"

namespace fluxmetrics::explain {
namespace {

namespace json = boost::json;

// The article's HPA by its numbers: it follows the number of nodes that are up, with four as the target.
json::object reported_hpa(const std::string& maximum = "4", const std::string& target = "4") {
  return json::
      parse(R"({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},)"
            R"("spec":{"minReplicas":2,"maxReplicas":)" +
            maximum +
            R"(,"scaleTargetRef":{"apiVersion":"flux-framework.org/v1alpha2","kind":"MiniCluster","name":"x"},)"
            R"("metrics":[{"type":"Object","object":{"describedObject":{"apiVersion":"v1","kind":"Service",)"
            R"("name":"custom-metrics-apiserver"},"metric":{"name":"node_up_count"},)"
            R"("target":{"type":"Value","value":")" +
            target + R"("}}}]}})")
          .as_object();
}

ExplainSubject subject_of(json::object document, std::int32_t replicas = 2) {
  auto parsed = parse_new_subject(std::move(document), {});
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  auto subject = parsed.value_or(ExplainSubject{});
  if (subject.refused()) return subject;
  auto& forecast = subject.input.forecast;
  forecast.seen = {.spec_replicas = replicas,
                   .status_replicas = replicas,
                   .selector = "app=x",
                   .pods_listed = replicas,
                   .pods_ready = replicas};
  forecast.seen = hpa::with_value(forecast.spec, forecast.seen, 0, std::int64_t{replicas} * 1000);
  forecast.follows_size = counts_own_size(forecast.spec.metrics[0]);
  return subject;
}

bool has_fault(const std::vector<Finding>& findings) {
  return std::ranges::any_of(findings,
                             [](const Finding& finding) { return finding.severity == Severity::fault; });
}

TEST(ExplainReports, SayTheSameAsTextAndAsJson) {
  const auto subject = subject_of(reported_hpa());
  const auto report = make_report(subject, Seconds(3600));
  ASSERT_FALSE(report.steps.empty());
  ASSERT_TRUE(has_fault(report.findings));
  const auto text = report_text(report);
  const auto document = report_json(report).as_object();
  EXPECT_TRUE(text.starts_with("HPA h of MiniCluster x: 2 to 4 replicas; now 2,")) << text;
  EXPECT_EQ(document.at("format"), "flux-metrics-api.explain/1");
  EXPECT_EQ(document.at("target"), "MiniCluster x");
  EXPECT_EQ(document.at("replicas"), 2);
  EXPECT_EQ(document.at("steps").as_array().size(), report.steps.size());
  ASSERT_EQ(document.at("findings").as_array().size(), report.findings.size());
  for (const auto& finding : document.at("findings").as_array()) {
    const std::string id(finding.at("id").as_string());
    EXPECT_TRUE(text.contains("(" + id + ")")) << id;
  }
  EXPECT_EQ(document.at("better").as_string(), report.better);
  EXPECT_TRUE(text.ends_with(report.better));
}

TEST(ExplainReports, ForetellNothingOfWhatIsNotKnown) {
  auto subject = subject_of(reported_hpa());
  subject.input.forecast.seen.object.clear();
  subject.untold = {"node_up_count"};
  const auto report = make_report(subject, Seconds(3600));
  const auto text = report_text(report);
  EXPECT_TRUE(text.contains("What happens\n  depends on node_up_count, which is not known\n")) << text;
  const auto document = report_json(report).as_object();
  EXPECT_TRUE(document.at("steps").as_array().empty());
  EXPECT_EQ(document.at("metrics").at(0).at("known"), false);
}

TEST(ExplainReports, OfWhatIsRefusedNameFieldAndReason) {
  const auto subject = subject_of(reported_hpa("1"));
  ASSERT_TRUE(subject.refused());
  const auto report = make_report(subject, Seconds(3600));
  EXPECT_TRUE(report.steps.empty());
  EXPECT_TRUE(report_text(report).contains("refuses it, so it does nothing"));
  const auto document = report_json(report).as_object();
  EXPECT_EQ(document.at("refused"), true);
  EXPECT_TRUE(document.at("steps").as_array().empty());
  ASSERT_FALSE(document.at("findings").as_array().empty());
  EXPECT_EQ(document.at("findings").at(0).at("field"), "spec.maxReplicas");
  EXPECT_FALSE(document.at("findings").at(0).at("reason").as_string().empty());
}

TEST(ExplainCorrections, AreTakenAndHaveNothingLeftToCorrect) {
  const auto corrected = correct(subject_of(reported_hpa()));
  ASSERT_TRUE(corrected) << corrected.error().message;
  EXPECT_FALSE(corrected->hpa.changes.empty());
  EXPECT_FALSE(has_fault(corrected->left));
  // Through its YAML, as a user applies it.
  const auto documents = read_yaml(fixed_yaml(corrected->hpa));
  ASSERT_TRUE(documents) << documents.error().message;
  const auto again = subject_of(documents->at(0).value.as_object());
  EXPECT_FALSE(again.refused());
  EXPECT_FALSE(has_fault(make_report(again, Seconds(3600)).findings));
  const auto twice = correct(again);
  ASSERT_TRUE(twice) << twice.error().message;
  EXPECT_TRUE(twice->hpa.changes.empty()) << twice->hpa.changes.begin()->first;
}

TEST(ExplainCorrections, SayWhatOnlyTheAuthorCanMend) {
  auto document = reported_hpa();
  document["spec"]
      .as_object()["metrics"]
      .as_array()[0]
      .as_object()["object"]
      .as_object()["metric"]
      .as_object()["name"] = 7;
  document["spec"].as_object()["scaleTargetRef"].as_object()["name"] = json::object();
  const auto corrected = correct(subject_of(std::move(document)));
  ASSERT_FALSE(corrected);
  EXPECT_EQ(corrected.error().code, Code::invalid);
  EXPECT_TRUE(corrected.error().message.starts_with("this HPA cannot be corrected automatically: "));
  EXPECT_TRUE(corrected.error().message.contains("scaleTargetRef.name")) << corrected.error().message;
}

}  // namespace
}  // namespace fluxmetrics::explain
