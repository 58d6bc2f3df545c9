#include "hpa/sync_schedule.hpp"

#include <fstream>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "hpa/recording.hpp"
#include "hpa/vectors.hpp"

namespace fluxmetrics::hpa {
namespace {

using Times = std::vector<std::int64_t>;
constexpr std::int64_t s = 1000;

Times syncs(std::vector<HpaChangeAt> changes, HpaPlatform platform, SyncTiming timing = {}) {
  return sync_times({.changes = std::move(changes), .until_ms = 80 * s}, timing, platform).syncs["a"];
}

// The whole controller of 1.37.2 under a false clock; plan --vectors plays the same file.
TEST(SyncSchedule, IsThatOfTheController) {
  std::ifstream file(TEST_DATA "/hpa/timing.jsonl");
  std::string line;
  std::size_t lines = 0;
  for (; std::getline(file, line); ++lines) {
    const auto document = boost::json::parse(line);
    const auto recorded = read_timeline(kube::JsonField(&document, ""), std::nullopt);
    const auto played = sync_times(recorded.timeline, recorded.timing, recorded.platform);
    EXPECT_EQ(played.syncs, recorded.times.syncs) << recorded.name;
    EXPECT_EQ(played.status_conflicts, recorded.times.status_conflicts) << recorded.name;
  }
  EXPECT_EQ(lines, 14U);
  file.clear();
  file.seekg(0);
  const auto report = compare_vectors(file);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->scenarios, 14U);
  EXPECT_EQ(report->steps, 89U);
  EXPECT_TRUE(report->differences.empty());
}

// Measured on 1.36.3: the first sync is a period after the HPA appears, and no edit makes another.
TEST(SyncSchedule, WaitsForAPeriodBefore137) {
  const HpaPlatform old{.version = {36}};
  const Times grid{20'000, 35'020, 50'040, 65'060};
  EXPECT_EQ(syncs({{.t_ms = 5 * s}}, old), grid);
  EXPECT_EQ(syncs({{.t_ms = 5 * s}, {.t_ms = 27 * s, .change = HpaChange::edit}}, old), grid);
  EXPECT_EQ(syncs({{.t_ms = 5 * s}, {.t_ms = 6 * s, .change = HpaChange::edit}}, old), grid);
  auto times = sync_times({.existing = {"a"}, .until_ms = 40 * s}, {}, old);
  EXPECT_EQ(times.syncs["a"], (Times{15'000, 30'020}));
  times = sync_times({.existing = {"a"}, .until_ms = 40 * s}, {}, {});
  EXPECT_EQ(times.syncs["a"], (Times{0, 15'020, 30'040}));
}

TEST(SyncSchedule, WithoutTheGateAnEditIsNoReason) {
  HpaPlatform platform;
  const std::vector<HpaChangeAt> changes{{.t_ms = 0}, {.t_ms = 7 * s, .change = HpaChange::edit}};
  EXPECT_EQ(syncs(changes, platform), (Times{0, 7'000, 15'020, 30'040, 45'060, 60'080, 75'100}));
  platform.gates.generation = false;
  EXPECT_EQ(syncs(changes, platform), (Times{0, 15'020, 30'040, 45'060, 60'080, 75'100}));
}

TEST(SyncSchedule, TakesTurnsWhenThereAreMoreThanItsWorkers) {
  const auto times =
      sync_times({.existing = {"a", "b", "c"}, .until_ms = 16 * s}, {.sync_ms = 100, .workers = 2}, {});
  EXPECT_EQ(times.syncs.at("a"), (Times{0, 15'100}));
  EXPECT_EQ(times.syncs.at("b"), (Times{0, 15'100}));
  EXPECT_EQ(times.syncs.at("c"), (Times{100, 15'200}));
}

TEST(SyncSchedule, LeavesAloneWhatIsGone) {
  EXPECT_EQ(syncs({{.t_ms = 0}, {.t_ms = 20 * s, .change = HpaChange::remove}}, {}), (Times{0, 15'020}));
  // The time that was set for the first one holds for the next of that name.
  EXPECT_EQ(syncs({{.t_ms = 0}, {.t_ms = 20 * s, .change = HpaChange::remove}, {.t_ms = 21 * s}}, {}),
            (Times{0, 15'020, 21'000, 30'040, 45'060, 60'080, 75'100}));
}

// Seen of the controller of 1.37.2: a sync that has nothing to write disturbs nobody, though the HPA was made
// anew.
TEST(SyncSchedule, HasNoConflictWhereNothingIsToBeWritten) {
  const auto times = sync_times({.changes = {{.t_ms = 0},
                                             {.t_ms = 20 * s, .change = HpaChange::remove},
                                             {.t_ms = 21 * s, .change = HpaChange::create}},
                                 .until_ms = 40 * s},
                                {.sync_ms = 4'000}, {});
  EXPECT_TRUE(times.status_conflicts.empty());
  EXPECT_EQ(times.syncs.at("a"), (Times{0, 19'000, 23'000, 38'000}));
}

TEST(SyncSchedule, WritesTheStatusOnlyWhenThereIsNews) {
  // Nothing new is to be written at 15 s: an annotation meanwhile disturbs nobody.
  const auto times = sync_times(
      {.changes = {{.t_ms = 0}, {.t_ms = 15'030, .change = HpaChange::annotate}}, .until_ms = 20 * s},
      {.sync_ms = 100}, {});
  EXPECT_TRUE(times.status_conflicts.empty());
}

}  // namespace
}  // namespace fluxmetrics::hpa
