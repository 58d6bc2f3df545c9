// What `plan` prints and draws of the strategies it played.
#include "plan/report.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include <boost/json.hpp>

namespace fluxmetrics::plan {
namespace {

namespace json = boost::json;

std::vector<PlanOutcome> two_outcomes() {
  std::vector<double> waits(101);
  for (std::size_t i = 0; i < waits.size(); ++i)
    waits[i] = static_cast<double>(i) * 1.5;
  return {{.strategy = "wanted",
           .jobs = 8,
           .finished = 8,
           .killed = 0,
           .resizes = 12,
           .makespan = 3599.6,
           .mean_wait = 12.34,
           .p95_wait = 142.5,
           .node_hours = 7.25,
           .utilisation = 0.625,
           .waits = waits,
           .points = {{.t = 0, .size = 2, .up = 1, .demand = 3, .queue = 4},
                      {.t = 60.5, .size = 3, .up = 2, .demand = 9, .queue = 0}}},
          {.strategy = "a/strange name", .jobs = 8, .finished = 6, .killed = 3}};
}

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(PlanReport, TheTableSaysWhatIsNotDone) {
  const auto table = plan_table(two_outcomes());
  std::istringstream lines(table);
  std::string head;
  std::string whole;
  std::string part;
  std::getline(lines, head);
  std::getline(lines, whole);
  std::getline(lines, part);
  EXPECT_EQ(whole,
            "wanted               all     3600 s     12.3 s    142.5 s         7.2   62 %       12       0");
  EXPECT_TRUE(part.contains("75.0 %")) << part;
  EXPECT_EQ(head.size(), whole.size());
  EXPECT_EQ(head.size(), part.size());
}

TEST(PlanReport, CsvHasALineAStrategy) {
  const auto csv = plan_csv(two_outcomes());
  EXPECT_TRUE(csv.contains("\nwanted,8,8,3599.600,12.340,142.500,7.2500,0.62500,12,0\n")) << csv;
  std::istringstream lines(csv);
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    EXPECT_EQ(std::ranges::count(line, ','), 9) << line;
    ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST(PlanReport, JsonIsReadBackAsItWas) {
  const auto outcomes = two_outcomes();
  const auto document = json::parse(json::serialize(plan_json(outcomes, {.min = 2, .max = 9}, "trace.csv")));
  EXPECT_EQ(std::string_view(document.at("format").as_string()), plan_format);
  EXPECT_EQ(document.at("max"), 9);
  const auto read = read_plan_json(document);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].strategy, "wanted");
  EXPECT_EQ((*read)[0].waits, outcomes[0].waits);
  EXPECT_EQ((*read)[0].node_hours, 7.25);
  ASSERT_EQ((*read)[0].points.size(), 2U);
  EXPECT_EQ((*read)[0].points[1].t, 60.5);
  EXPECT_EQ((*read)[0].points[1].demand, 9U);
  EXPECT_EQ((*read)[1].finished, 6U);
}

TEST(PlanReport, JsonThatIsWrongIsNamedByItsField) {
  const auto message = [](const std::string& pointer, const json::value& value) {
    auto document = plan_json(two_outcomes(), {}, "");
    document.at_pointer(pointer) = value;
    const auto read = read_plan_json(document);
    return read ? std::string("read") : read.error().message;
  };
  EXPECT_EQ(message("/strategies", json::object()), "strategies is an object, not a list");
  EXPECT_EQ(message("/strategies/0/jobs", "many"), "strategies[0].jobs is a text, not a number");
  EXPECT_EQ(message("/strategies/0/points/1", json::array{1, 2}),
            "strategies[0].points[1] is not a list of t, size, up, demand and queue");
  EXPECT_TRUE(
      message("/strategies/0/points/1/1", -1).starts_with("strategies[0].points[1][1] is -1, outside"));
  EXPECT_EQ(message("/strategies/1/waits", nullptr), "strategies[1].waits is missing");
}

TEST(PlanReport, PlotsAreFilesOfTheirOwn) {
  std::string directory = (std::filesystem::temp_directory_path() / "plan_report.XXXXXX").string();
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const auto paths = write_plan_plots(two_outcomes(), directory + "/plots", "light");
  ASSERT_TRUE(paths) << paths.error().message;
  ASSERT_EQ(paths->size(), 5U);
  for (const auto& path : *paths) {
    EXPECT_EQ(std::filesystem::path(path).parent_path(), directory + "/plots") << path;
    const auto text = file_text(path);
    EXPECT_TRUE(text.starts_with("<svg")) << path;
    EXPECT_TRUE(text.ends_with("</svg>\n")) << path;
  }
  EXPECT_TRUE(file_text(paths->back()).contains("a/strange name (75.0 % done)"))
      << "few node-hours are no merit where the work is not done";
  EXPECT_FALSE(write_plan_plots(two_outcomes(), "/proc/no/such", "light"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace fluxmetrics::plan
