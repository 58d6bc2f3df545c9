#include "charts/timings.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::charts {
namespace {

constexpr std::string_view few =
    "region,machine_type,from_nodes,to_nodes,seconds\n"
    "here,small,1,3,40\n"
    "here,small,1,2,31.5\n"
    "here,small,2,3,32.5\n"
    "here,large,4,1,9\n"
    "here,small,,1,200\n"
    "here,small,3,,100\n";

std::vector<NamedChart> charts_of(std::string_view text, bool outliers) {
  const auto timings = read_timings(text);
  EXPECT_TRUE(timings) << timings.error().message;
  return timings ? chart_timings(*timings, outliers, "dark") : std::vector<NamedChart>();
}

std::string refusal_of(std::string_view text) {
  const auto timings = read_timings(text);
  EXPECT_FALSE(timings);
  if (timings) return "";
  EXPECT_EQ(timings.error().code, Code::invalid);
  return timings.error().message;
}

TEST(NodeTimings, GroupByMachineTypeAndChange) {
  const auto timings = read_timings(few);
  ASSERT_TRUE(timings) << timings.error().message;
  const Timings expected{{"large", {{-3, {9}}}}, {"small", {{1, {31.5, 32.5}}, {2, {40}}}}};
  EXPECT_EQ(*timings, expected) << "without the cluster that was made and deleted";
}

TEST(NodeTimings, BecomeABoxForEachChange) {
  const auto charts = charts_of(few, true);
  ASSERT_EQ(charts.size(), 2U);
  EXPECT_EQ(charts[0].file, "nodes-added.svg");
  EXPECT_EQ(charts[0].chart.title, "Time to add nodes");
  EXPECT_EQ(charts[0].chart.theme, "dark");
  ASSERT_EQ(charts[0].chart.boxes.size(), 2U);
  EXPECT_EQ(charts[0].chart.boxes[0].name, "small +1");
  EXPECT_EQ(charts[0].chart.boxes[0].values, (std::vector<double>{31.5, 32.5}));
  EXPECT_EQ(charts[0].chart.boxes[1].name, "small +2");
  EXPECT_EQ(charts[1].file, "nodes-removed.svg");
  ASSERT_EQ(charts[1].chart.boxes.size(), 1U);
  EXPECT_EQ(charts[1].chart.boxes[0].name, "large -3");
}

TEST(NodeTimings, GetNoChartOfADirectionWithoutAny) {
  const auto charts = charts_of("machine_type,from_nodes,to_nodes,seconds\na,3,1,5\na,3,2,4\n", true);
  ASSERT_EQ(charts.size(), 1U);
  EXPECT_EQ(charts[0].file, "nodes-removed.svg");
  ASSERT_EQ(charts[0].chart.boxes.size(), 2U);
  EXPECT_EQ(charts[0].chart.boxes[0].name, "a -1") << "the smallest change first";
}

TEST(NodeTimings, GetALogarithmicScaleForOutliers) {
  const std::string_view far = "machine_type,from_nodes,to_nodes,seconds\na,1,2,5\na,1,2,6\na,1,2,70\n";
  auto chart = charts_of(far, true).at(0).chart;
  EXPECT_EQ(chart.y_scale, ChartScale::logarithmic);
  EXPECT_EQ(chart.y_label, "seconds (logarithmic)");
  EXPECT_TRUE(chart.outliers);
  chart = charts_of(far, false).at(0).chart;
  EXPECT_EQ(chart.y_scale, ChartScale::linear);
  EXPECT_EQ(chart.title, "Time to add nodes, without outliers");
  EXPECT_FALSE(chart.outliers);
  chart =
      charts_of("machine_type,from_nodes,to_nodes,seconds\na,1,2,5\na,1,2,6\na,1,2,60\n", true).at(0).chart;
  EXPECT_EQ(chart.y_scale, ChartScale::linear) << "ten times the median is not far";
  chart =
      charts_of("machine_type,from_nodes,to_nodes,seconds\na,1,2,0\na,1,2,6\na,1,2,70\n", true).at(0).chart;
  EXPECT_EQ(chart.y_scale, ChartScale::linear) << "0 has no logarithm";
}

TEST(NodeTimings, SayWhatIsWrong) {
  EXPECT_EQ(refusal_of("machine_type,from_nodes,seconds\na,1,2\n"),
            "it is neither JSON nor node timings: its first line has no column to_nodes");
  EXPECT_EQ(refusal_of(""), "it is neither JSON nor node timings: its first line has no column machine_type");
  const std::string header = "machine_type,from_nodes,to_nodes,seconds\n";
  EXPECT_EQ(refusal_of(header), "there are no timings in it");
  EXPECT_EQ(refusal_of(header + "a,1,2,3\na,1,2\n"), "line 3 has 3 columns, not 4");
  EXPECT_EQ(refusal_of(header + "a,1,2,3s\n"), "line 2 has a cell that is not a number");
  EXPECT_EQ(refusal_of(header + "a,1,1e9,3\n"), "line 2 has a cell that is not a number");
  EXPECT_EQ(refusal_of(header + "a,2,2,3\n"), "line 2: from_nodes and to_nodes are both 2");
}

}  // namespace
}  // namespace fluxmetrics::charts
