#include "charts/recording.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::charts {
namespace {

using Points = std::vector<std::pair<double, double>>;

// Three snapshots and an empty line.
constexpr auto recorded =
    R"({"time": 1000, "metrics": {"node_up_count": 2, "job_pending_count": null, "memory": 5, )"
    R"("job_eligible_count": [{"labels": {"queue": "debug"}, "value": 1}, )"
    R"({"labels": {"queue": ""}, "value": 4}]}})"
    "\n\n"
    R"({"time": 1060, "metrics": {"node_up_count": 3, "job_pending_count": 7}})"
    "\n"
    R"({"time": 1240.5, "metrics": {"node_up_count": null, "job_eligible_count": [)"
    R"({"labels": {"queue": "debug"}, "value": 2}, {"labels": {"queue": "debug"}, "value": null}]}})"
    "\n";

Recording read(const std::string& text) {
  auto recording = read_recording(text);
  EXPECT_TRUE(recording) << recording.error().message;
  return recording ? *std::move(recording) : Recording();
}

std::string refusal_of_lines(const std::string& text) {
  const auto recording = read_recording(text);
  EXPECT_FALSE(recording);
  if (recording) return "";
  EXPECT_EQ(recording.error().code, Code::invalid);
  return recording.error().message;
}

TEST(Recordings, AreASeriesForEachMetricAndLabel) {
  auto lines = read(recorded);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines["node_up_count"].points, (Points{{0, 2}, {60, 3}})) << "and none of what is unknown";
  EXPECT_TRUE(lines["node_up_count"].steps);
  EXPECT_EQ(lines["job_pending_count"].points, (Points{{60, 7}}));
  EXPECT_EQ(lines["job_eligible_count{debug}"].points, (Points{{0, 1}, {240.5, 2}}));
  EXPECT_EQ(lines["job_eligible_count{debug}"].name, "job_eligible_count{debug}");
  EXPECT_EQ(lines["job_eligible_count"].points, (Points{{0, 4}})) << "the anonymous queue";
  EXPECT_EQ(lines["memory"].points, (Points{{0, 5}}));
}

TEST(Recordings, AreDrawnInAUnitThatFits) {
  const auto charts = chart_recording(read(recorded), "light");
  ASSERT_EQ(charts.size(), 2U) << "no wait, so no chart of it";
  EXPECT_EQ(charts[0].file, "nodes.svg");
  EXPECT_EQ(charts[0].chart.theme, "light");
  EXPECT_EQ(charts[0].chart.y_label, "nodes");
  EXPECT_EQ(charts[0].chart.x_label, time_unit(60).name);
  EXPECT_EQ(charts[1].file, "jobs.svg");
  const auto& jobs = charts[1].chart;
  ASSERT_EQ(jobs.series.size(), 3U);
  EXPECT_EQ(jobs.series[0].name, "job_pending_count");
  EXPECT_EQ(jobs.series[1].name, "job_eligible_count");
  EXPECT_EQ(jobs.series[2].name, "job_eligible_count{debug}");
  EXPECT_EQ(jobs.series[2].dashes, dashes_of(2));
  const auto unit = time_unit(240.5);
  EXPECT_EQ(jobs.x_label, unit.name);
  EXPECT_EQ(jobs.series[2].points, (Points{{0, 1}, {240.5 / unit.seconds, 2}}));
}

TEST(Recordings, OfOtherMetricsAreDrawnMetricByMetric) {
  const auto charts = chart_recording(
      read(R"({"time": 1, "metrics": {"../x": 1, "m": [{"labels": {"a": "b", "c": "d"}, "value": 2}], )"
           R"("node_up_counted": 3}})"),
      "auto");
  ASSERT_EQ(charts.size(), 3U);
  EXPECT_EQ(charts[0].file, "___x.svg") << "no way out of the directory";
  EXPECT_EQ(charts[0].chart.title, "../x");
  EXPECT_EQ(charts[1].file, "m.svg");
  EXPECT_EQ(charts[1].chart.series.at(0).name, "m{b,d}");
  EXPECT_EQ(charts[2].file, "node_up_counted.svg");
}

TEST(Recordings, MayBreakOffInTheLastLineOnly) {
  const std::string line = R"({"time": 1, "metrics": {"m": 1}})";
  EXPECT_EQ(read(line + "\n" + line.substr(0, 20)).size(), 1U);
  for (const auto& text : {line.substr(0, 20), line.substr(0, 20) + "\n" + line})
    EXPECT_TRUE(refusal_of_lines(text).starts_with("line 1 is not what get --record writes")) << text;
}

TEST(Recordings, SayWhichLineIsWrong) {
  const std::string line = R"({"time": 1, "metrics": {"m": 1}})";
  for (const auto* bad : {"[]", R"({"time": "1", "metrics": {}})", R"({"time": 1, "metrics": 2})", "{}"}) {
    EXPECT_EQ(
        refusal_of_lines(line + "\n" + bad + "\n"),
        "line 2 is not what get --record writes, and the file is not output of plan -o json: see --help. "
        "To play a workload, use plan --trace");
  }
  EXPECT_EQ(refusal_of_lines(R"({"time": 1, "metrics": {"m": null}})"), "there are no numbers in it");
}

}  // namespace
}  // namespace fluxmetrics::charts
