#include "autoscale/drain_report.hpp"

#include <chrono>
#include <gtest/gtest.h>

namespace fluxmetrics::autoscale {
namespace {

using std::chrono::seconds;

Now moment(int second) {
  return {.wall = from_unix(1.8e9 + second), .mono = MonoTime(seconds(1000 + second))};
}
sizing::ResizeActions waiting(sizing::ResizeWait wait, flux::IdSet ranks) {
  sizing::ResizeActions actions;
  actions.wait = wait;
  actions.waits_for = std::move(ranks);
  return actions;
}

struct ReportBench {
  void round(sizing::ResizeWait wait, const flux::IdSet& ranks, int second) {
    report.on_round(seen, waiting(wait, ranks), wait == sizing::ResizeWait::nothing ? "" : "it waits",
                    moment(second));
  }
  DrainReport report;
  sizing::ResizeObservation seen;
};

TEST(DrainReport, MeasuresHowLongDrainedRanksAreStillInUse) {
  ReportBench bench;
  bench.report.on_drained(flux::IdSet{2, 3}, moment(0).mono);
  bench.seen.ours = flux::IdSet{2, 3};
  bench.seen.busy = flux::IdSet{3};
  bench.round(sizing::ResizeWait::jobs, flux::IdSet{3}, 1);
  EXPECT_EQ(bench.report.read()->until_idle.count(), 1U);
  EXPECT_DOUBLE_EQ(bench.report.read()->until_idle.sum(), 1);
  bench.seen.busy = {};
  bench.round(sizing::ResizeWait::nothing, {}, 50);
  EXPECT_EQ(bench.report.read()->until_idle.count(), 2U);
  EXPECT_DOUBLE_EQ(bench.report.read()->until_idle.sum(), 51);
  bench.round(sizing::ResizeWait::nothing, {}, 60);
  EXPECT_EQ(bench.report.read()->until_idle.count(), 2U) << "each drain once";
  EXPECT_EQ(bench.report.read()->drained, 2U);
}

TEST(DrainReport, ForgetsDrainsThatEndBeforeTheirRankIsEmpty) {
  ReportBench bench;
  bench.report.on_drained(flux::IdSet{2, 3}, moment(0).mono);
  bench.seen.ours = bench.seen.busy = flux::IdSet{2, 3};
  bench.round(sizing::ResizeWait::jobs, flux::IdSet{2, 3}, 1);
  bench.report.on_undrained(flux::IdSet{2});
  bench.seen.ours = bench.seen.busy = {};
  bench.round(sizing::ResizeWait::nothing, {}, 2);
  EXPECT_EQ(bench.report.read()->until_idle.count(), 0U);
  EXPECT_EQ(bench.report.read()->undrained, 1U);
}

TEST(DrainReport, SaysSinceWhenItWaitsAndForWhichJobs) {
  ReportBench bench;
  bench.round(sizing::ResizeWait::drain, flux::IdSet{2, 3}, 1);
  bench.round(sizing::ResizeWait::jobs, flux::IdSet{2, 3}, 2);
  bench.report.on_jobs({3562272718848, 3562272718849});
  EXPECT_TRUE(bench.report.read()->jobs.contains("2caLqpbZ")) << bench.report.read()->jobs;
  bench.round(sizing::ResizeWait::jobs, flux::IdSet{3}, 9);
  EXPECT_EQ(bench.report.read()->since, moment(2).wall)
      << "one of them has become empty: it is the same wait";
  EXPECT_EQ(bench.report.read()->jobs, "") << "of other ranks";
  EXPECT_EQ(bench.report.read()->refused_shrinks, 1U);
  bench.round(sizing::ResizeWait::nothing, {}, 10);
  bench.round(sizing::ResizeWait::jobs, flux::IdSet{3}, 11);
  EXPECT_EQ(bench.report.read()->since, moment(11).wall);
  EXPECT_EQ(bench.report.read()->refused_shrinks, 2U);
}

TEST(DrainReport, IsTheSameWhileNothingChanges) {
  ReportBench bench;
  bench.report.on_trouble("no");
  const auto first = bench.report.read();
  EXPECT_EQ(first->trouble, "no");
  bench.report.on_trouble("no");
  EXPECT_EQ(bench.report.read(), first);
  bench.report.on_trouble("");
  EXPECT_NE(bench.report.read(), first);
}

}  // namespace
}  // namespace fluxmetrics::autoscale
