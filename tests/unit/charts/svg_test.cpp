#include "charts/svg.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <string>
#include <string_view>

namespace fluxmetrics::charts {
namespace {

Chart one_line(std::vector<std::pair<double, double>> points) {
  return {.series = {{.name = "line", .points = std::move(points)}}};
}

// What is written beside the vertical axis, from below.
std::vector<std::string> ticks_of_y(const Chart& chart) {
  static const std::regex tick("text-anchor=\"end\">([^<]*)<");
  const auto svg = to_svg(chart);
  std::vector<std::string> ticks;
  for (std::sregex_iterator at(svg.begin(), svg.end(), tick), end; at != end; ++at)
    ticks.push_back((*at)[1]);
  return ticks;
}

TEST(SvgChart, CountsHaveWholeTicks) {
  using Ticks = std::vector<std::string>;
  EXPECT_EQ(ticks_of_y(one_line({{0, 0}, {1, 0}})), (Ticks{"0", "1"}));
  EXPECT_EQ(ticks_of_y(one_line({{0, 1}, {1, 0}})), (Ticks{"0", "1"}));
  EXPECT_EQ(ticks_of_y(one_line({{0, 1}, {1, 2}})), (Ticks{"0", "1", "2"}));
  EXPECT_EQ(ticks_of_y(one_line({{0, 4}, {1, 2}})), (Ticks{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(ticks_of_y(one_line({{0, 64}, {1, 2}})), (Ticks{"0", "20", "40", "60", "80"}));
}

TEST(SvgChart, OtherNumbersMayHaveFractions) {
  const auto ticks = ticks_of_y(one_line({{0, 0.5}, {1, 1}}));
  EXPECT_EQ(ticks, (std::vector<std::string>{"0", "0.2", "0.4", "0.6", "0.8", "1"}));
  auto chart = one_line({{0, 1}, {1, 1}});
  chart.series.push_back({.name = "ratio", .points = {{0, 0.25}}});
  EXPECT_EQ(ticks_of_y(chart), ticks) << "one line of fractions is enough";
}

TEST(SvgChart, TimeMayHaveFractions) {
  EXPECT_NE(to_svg(one_line({{0, 1}, {1, 1}})).find(">0.2</text>"), std::string::npos);
}

TEST(SvgChart, ASinglePointIsSeen) {
  EXPECT_NE(to_svg(one_line({{0, 1}})).find("<circle"), std::string::npos);
  EXPECT_EQ(to_svg(one_line({{0, 1}, {1, 1}})).find("<circle"), std::string::npos);
}

TEST(SvgChart, EqualPointsDoNotCoverEachOther) {
  Chart chart;
  for (const auto* name : {"one", "two", "three"})
    chart.series.push_back({.name = name, .points = {{0, 1}}});
  const auto svg = to_svg(chart);
  const auto first = svg.find(R"(r="5.4")");
  const auto last = svg.find(R"(r="3.0")");
  EXPECT_NE(last, std::string::npos);
  EXPECT_LT(first, last) << "the larger ones below";
}

TEST(SvgChart, NoLineCoversAnEarlierOneWhole) {
  EXPECT_EQ(dashes_of(0), "") << "the lowest may be solid";
  std::set<std::string> first;
  for (std::size_t line = 0; line < 5; ++line)
    EXPECT_TRUE(first.insert(dashes_of(line)).second) << line;
  for (std::size_t line = 1; line < 20; ++line)
    EXPECT_NE(dashes_of(line), "") << line;
}

TEST(SvgChart, LinesOfOneColourHaveOtherDashes) {
  Chart chart;
  for (std::size_t i = 0; i < 32; ++i)
    chart.series.push_back({.name = "line", .points = {{0, 1}, {1, 4}}, .dashes = dashes_of(i)});
  const auto svg = to_svg(chart);
  static const std::regex sample(R"re(<path class="line" ([^>]*) d="M[0-9. ]+h26")re");
  std::set<std::string> looks;
  for (std::sregex_iterator at(svg.begin(), svg.end(), sample), end; at != end; ++at)
    looks.insert((*at)[1]);
  EXPECT_EQ(looks.size(), 32U);
}

// Heights of what a pattern finds in the picture.
std::vector<double> heights(const std::string& svg, const std::string& pattern) {
  const std::regex searched(pattern);
  std::vector<double> found;
  for (std::sregex_iterator at(svg.begin(), svg.end(), searched), end; at != end; ++at)
    found.push_back(std::stod((*at)[1]));
  return found;
}

TEST(SvgChart, ManyNamesStandAboveThePlot) {
  Chart chart;
  for (int i = 0; i < 20; ++i)
    chart.series.push_back({.name = "job_eligible_count{a-queue}", .points = {{0, 1}, {1, 4}}});
  const auto svg = to_svg(chart);
  const auto names = heights(svg, R"re(y="([0-9.]+)" text-anchor="start">job_)re");
  const auto grid = heights(svg, R"re(class="grid" [^/]*y2="([0-9.]+)")re");
  ASSERT_EQ(names.size(), 20U);
  ASSERT_EQ(grid.size(), 5U);
  EXPECT_LT(std::ranges::max(names), std::ranges::min(grid));
  EXPECT_LT(std::ranges::max(grid), heights(svg, R"re(viewBox="0 0 860 ([0-9.]+)")re").at(0));
}

TEST(SvgChart, NamesAreEscaped) {
  auto chart = one_line({{0, 1}, {1, 1}});
  chart.series[0].name = "b<&\">x";
  EXPECT_NE(to_svg(chart).find(">b&lt;&amp;&quot;&gt;x<"), std::string::npos);
}

}  // namespace
}  // namespace fluxmetrics::charts
