// The simulator behind `plan`: placement, latencies, demand, and what the strategies make of small workloads.
#include "plan/run.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "hpa/spec.hpp"
#include "plan/demand.hpp"
#include "plan/latencies.hpp"
#include "plan/ranks.hpp"

namespace fluxmetrics::plan {
namespace {

PlanJob wide(double submit, std::uint32_t nodes, double duration) {
  return {.submit = submit, .duration = duration, .nodes = nodes, .slots = 1, .cores = 1, .whole = true};
}

PlanOutcome play(const std::string& name, const std::vector<PlanJob>& jobs, const PlanSetup& setup) {
  const auto all =
      plan_strategies(static_cast<std::int32_t>(setup.min), static_cast<std::int32_t>(setup.max));
  const auto found = std::ranges::find(all, name, &PlanStrategy::name);
  EXPECT_NE(found, all.end()) << name;
  return run_plan_strategy(*found, jobs, setup);
}

std::vector<PlanJob> mixed(std::uint64_t seed, int count) {
  PlanRandom random(seed);
  std::vector<PlanJob> jobs;
  double t = 0;
  for (int i = 0; i < count; ++i) {
    t += random.unit() * 60;
    auto job = wide(t, 1 + static_cast<std::uint32_t>(random.unit() * 4), 20 + (random.unit() * 300));
    if (random.unit() < 0.5) job = {.submit = t, .duration = 40, .slots = 3, .cores = 2};
    jobs.push_back(job);
  }
  return jobs;
}

TEST(PlanLatencies, MediansAreThoseOfTheExperiment) {
  EXPECT_NEAR(add_seconds(1, 0.5), 31.6, 0.1);
  EXPECT_NEAR(add_seconds(2, 0.5), 31.8, 0.4);
  EXPECT_NEAR(add_seconds(10, 0.5), 40.9, 0.1);
  EXPECT_NEAR(remove_seconds(1, 0.5), 92.6, 0.1);
  EXPECT_NEAR(remove_seconds(2, 0.5), 101.8, 0.1);
  for (std::uint32_t count = 1; count < 2000; count *= 3) {
    for (double q = 0; q < 1; q += 0.01)
      EXPECT_LE(add_seconds(count, q), add_seconds(count, q + 0.01) + 1e-9);
  }
}

TEST(PlanRanks, PlacesOnTheLowestRanksThatFit) {
  PlanRanks ranks(4, 8);
  for (std::uint32_t rank = 0; rank < 3; ++rank)
    ranks.set_up(rank, true);
  const PlanJob narrow{.duration = 1, .slots = 3, .cores = 4};
  const auto first = ranks.place(narrow);
  EXPECT_EQ(first, (RankShares{{0, 8}, {1, 4}}));
  EXPECT_TRUE(ranks.place(wide(0, 2, 1)).empty()) << "one rank is empty only";
  EXPECT_EQ(ranks.place(wide(0, 1, 1)), (RankShares{{2, 8}}));
  EXPECT_EQ(ranks.highest_busy(), 3U);
  EXPECT_EQ(ranks.used_cores(), 20U);
  ranks.set_drained(0, true);
  ranks.release(first);
  EXPECT_EQ(ranks.place({.duration = 1, .slots = 1, .cores = 1}), (RankShares{{1, 1}})) << "0 is drained";
  ranks.set_drained(0, false);
  EXPECT_EQ(ranks.place({.duration = 1, .slots = 1, .cores = 1}), (RankShares{{0, 1}}));
}

TEST(PlanDemand, ShortWorkCountsInPart) {
  std::vector<PlanJob> jobs;
  for (int i = 0; i < 60; ++i)
    jobs.push_back(wide(0, 1, 1));
  PlanDemand demand(jobs, 8, 64, {});
  for (std::uint32_t i = 0; i < 60; ++i)
    demand.queued(i, 0);
  EXPECT_DOUBLE_EQ(demand.demand(), 60);
  EXPECT_EQ(demand.need(0), 1U) << "sixty seconds of work within a minute";
  EXPECT_EQ(demand.need(121), 60U) << "what waits for longer than twice the patience counts in full";
  demand.started(0, 122);
  demand.stopped(0);
  EXPECT_DOUBLE_EQ(demand.demand(), 59);
  EXPECT_EQ(demand.need(122), 60U) << "held";
  EXPECT_EQ(demand.need(182), 59U);
}

TEST(Plan, IsTheSameForTheSameSeed) {
  const auto jobs = mixed(3, 200);
  const auto a = play("wanted-drain", jobs, {.max = 16, .seed = 5});
  const auto b = play("wanted-drain", jobs, {.max = 16, .seed = 5});
  const auto c = play("wanted-drain", jobs, {.max = 16, .seed = 6});
  EXPECT_EQ(a.node_hours, b.node_hours);
  EXPECT_EQ(a.waits, b.waits);
  EXPECT_NE(a.node_hours, c.node_hours);
}

TEST(Plan, StaticIsArithmetic) {
  const auto outcome = play("static", {wide(0, 4, 100), wide(0, 4, 100)}, {.max = 4, .tail = 0});
  EXPECT_EQ(outcome.finished, 2U);
  EXPECT_DOUBLE_EQ(outcome.makespan, 200);
  EXPECT_DOUBLE_EQ(outcome.mean_wait, 50);
  EXPECT_DOUBLE_EQ(outcome.node_hours, 4 * 200 / 3600.0);
  EXPECT_DOUBLE_EQ(outcome.utilisation, 1);
}

// A node comes in 31.6 + 3.5 s and goes in 92.6 s.
TEST(PlanBound, PaysForComingAndGoing) {
  const auto seconds = [](const std::vector<PlanJob>& jobs, double tail, double grace = 0) {
    return play("clairvoyant", jobs, {.min = 1, .max = 4, .pod_grace = grace, .tail = tail}).node_hours *
           3600;
  };
  EXPECT_NEAR(seconds({wide(100, 1, 50)}, 200), 350, 1e-6)
      << "the smallest size is paid for, and nothing else";
  EXPECT_NEAR(seconds({wide(100, 3, 50)}, 200), 350 + (2 * (35.1 + 50 + 92.6)), 1e-6);
  EXPECT_NEAR(seconds({wide(100, 3, 50)}, 20), 170 + (2 * (35.1 + 50 + 20)), 1e-6)
      << "the end is before it is gone";
  EXPECT_NEAR(seconds({wide(10, 3, 50)}, 200), 260 + (2 * (10 + 50 + 92.6)), 1e-6) << "nobody pays before 0";
  // 100 s between two uses are cheaper than 127.7 s of going and coming; 300 s are not.
  EXPECT_NEAR(seconds({wide(100, 3, 50), wide(250, 3, 50)}, 200), 500 + (2 * (35.1 + 50 + 100 + 50 + 92.6)),
              1e-6);
  EXPECT_NEAR(seconds({wide(100, 3, 50), wide(450, 3, 50)}, 200), 700 + (2 * (35.1 + 50 + 127.7 + 50 + 92.6)),
              1e-6);
  // One job ends and the next starts on its nodes in the same moment.
  EXPECT_NEAR(seconds({wide(100, 3, 50), wide(120, 3, 50)}, 200), 400 + (2 * (35.1 + 100 + 92.6)), 1e-6);
  EXPECT_NEAR(seconds({wide(100, 3, 50)}, 200, 30), 350 + (2 * (35.1 + 50 + 30 + 92.6)), 1e-6)
      << "its pods take as long to die as all others";
  EXPECT_NEAR(seconds({wide(0, 4, 100)}, 0), 400, 1e-6) << "never more than all nodes all the time";
}

TEST(Plan, TheArticlesHpaNeverMovesAndAWideJobWaitsForEver) {
  const auto outcome = play("article", {wide(10, 1, 20), wide(20, 4, 20)}, {.max = 4});
  EXPECT_EQ(outcome.resizes, 0U);
  EXPECT_EQ(outcome.finished, 1U);
  EXPECT_EQ(play("cpu", {wide(10, 1, 20), wide(20, 4, 20)}, {.max = 4}).finished, 1U);
  EXPECT_EQ(play("wanted-drain", {wide(10, 1, 20), wide(20, 4, 20)}, {.max = 4}).finished, 2U);
}

TEST(Plan, WantedSizesFinishEverythingAndDrainingKillsNothing) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const auto jobs = mixed(seed, 300);
    const PlanSetup setup{.max = 16, .seed = seed};
    const auto fixed = play("static", jobs, setup);
    const auto bound = play("clairvoyant", jobs, setup);
    const auto drained = play("wanted-drain", jobs, setup);
    EXPECT_EQ(drained.finished, jobs.size());
    EXPECT_EQ(drained.killed, 0U) << "seed " << seed;
    EXPECT_GT(drained.resizes, 0U);
    EXPECT_EQ(play("wanted", jobs, setup).finished, jobs.size());
    EXPECT_EQ(bound.mean_wait, fixed.mean_wait);
    EXPECT_LE(bound.node_hours, fixed.node_hours);
    EXPECT_LT(drained.node_hours, fixed.node_hours);
  }
}

TEST(Plan, PendingJobsAsAMetricKillRunningOnes) {
  std::uint64_t killed = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    killed += play("pending", mixed(seed, 300), {.max = 16, .seed = seed}).killed;
  EXPECT_GT(killed, 0U);
}

// A job of 8 nodes at 0, after which the size falls to 2, and another one at `t`, which may find all 8 ranks
// up although the pods of 6 of them are deleted.
std::vector<PlanJob> one_after_the_other(double t) {
  return {wide(0, 8, 60), wide(t, 8, 100)};
}

struct Rounds {
  int with_kills = 0;
  std::uint64_t killed = 0;
  bool all_finished = true;
  double longest = 0;  // from the second submission to the end
};

// The second job comes at any second around the shrink.
Rounds around_the_shrink(const PlanStrategy& strategy, double grace) {
  Rounds rounds;
  for (int t = 150; t < 300; ++t) {
    const auto outcome =
        run_plan_strategy(strategy, one_after_the_other(t), {.min = 2, .max = 8, .pod_grace = grace});
    rounds.with_kills += outcome.killed > 0 ? 1 : 0;
    rounds.killed += outcome.killed;
    rounds.all_finished = rounds.all_finished && outcome.finished == 2;
    rounds.longest = std::max(rounds.longest, outcome.makespan - t);
  }
  return rounds;
}

PlanStrategy following(bool drains) {
  auto strategy = hpa_strategy("plain", hpa::follow_wanted_size(2, 8)).value();
  strategy.drains = drains;
  return strategy;
}

TEST(PlanPods, TakeJobsForTheGracePeriodAndKillThemAtItsEnd) {
  const auto at_once = around_the_shrink(following(false), 0);
  EXPECT_LE(at_once.with_kills, 2) << "a pod is deleted within two seconds";
  const auto usual = around_the_shrink(following(false), 30);
  EXPECT_GE(usual.with_kills, 28);
  EXPECT_LE(usual.with_kills, 33);
  EXPECT_EQ(usual.killed, static_cast<std::uint64_t>(usual.with_kills)) << "each round has one such job";
  EXPECT_TRUE(usual.all_finished);
}

TEST(PlanPods, ASecondBrokerTakesARankOver) {
  // The first pods would live longer than the job.
  const auto regrown = around_the_shrink(following(false), 300);
  EXPECT_GT(regrown.with_kills, 60) << "the size grows again because of the job itself";
  EXPECT_EQ(regrown.killed, static_cast<std::uint64_t>(regrown.with_kills));
  EXPECT_TRUE(regrown.all_finished);
}

TEST(PlanPods, DrainedAndEmptyOnesAreGrownOverAtOnceAndNothingIsLost) {
  for (const double grace : {0, 30, 300}) {
    const auto rounds = around_the_shrink(following(true), grace);
    EXPECT_EQ(rounds.killed, 0U) << grace;
    EXPECT_TRUE(rounds.all_finished) << grace;
    EXPECT_LT(rounds.longest, 15.02 + 60 + 5 + 100) << "a sync, the nodes, the brokers, the job";
  }
}

TEST(PlanPods, ArePaidForUntilTheyAreGone) {
  const auto jobs = one_after_the_other(2000);
  const auto hours = [&](double grace) {
    return run_plan_strategy(following(false), jobs, {.min = 2, .max = 8, .pod_grace = grace}).node_hours;
  };
  // Twice six pods.
  EXPECT_NEAR((hours(30) - hours(0)) * 3600, 2 * 6 * 30, 1e-6);
}

TEST(Plan, WorkIsConserved) {
  for (const auto* name : {"static", "pending", "wanted", "wanted-drain"}) {
    const auto jobs = mixed(9, 200);
    const auto outcome = play(name, jobs, {.max = 16, .seed = 2});
    double work = 0;
    for (const auto& job : jobs)
      work += work_of(job, 8);
    if (outcome.finished != jobs.size()) continue;
    EXPECT_NEAR(outcome.utilisation * outcome.node_hours * 3600 * 8, work, work * 1e-9) << name;
    EXPECT_LE(outcome.utilisation, 1) << name;
    for (const auto& point : outcome.points) {
      EXPECT_LE(point.size, 16U);
      EXPECT_LE(point.up, 16U);
    }
  }
}

TEST(Plan, RefusesJobsThatNeverFit) {
  const std::vector<simulate::TraceJob> endless{{.t = 0, .request = {.nodes = 1}}};
  EXPECT_FALSE(plan_jobs(endless, 4, 8));
  const std::vector<simulate::TraceJob> large{{.t = 0, .request = {.nodes = 5, .duration = 1}}};
  EXPECT_FALSE(plan_jobs(large, 4, 8));
  const std::vector<simulate::TraceJob> thick{{.t = 0, .request = {.slots = 1, .cores = 9, .duration = 1}}};
  EXPECT_FALSE(plan_jobs(thick, 4, 8));
  EXPECT_TRUE(play("wanted-drain", {}, {.max = 4}).waits.size() == 101);
}

}  // namespace
}  // namespace fluxmetrics::plan
