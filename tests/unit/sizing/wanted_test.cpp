// node_wanted_count: the time-dependent terms, and the memory.
#include "sizing/wanted.hpp"

#include <gtest/gtest.h>

#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

using std::chrono::seconds;
using support::InstanceBuilder;
using support::nodes;
using support::slots;
using support::whole_nodes;

constexpr double now = 1.8e9;

Demand at(const instance::InstanceState& state, const SizePolicy& policy = {}, double when = now) {
  return compute_demand(state, policy, from_unix(when));
}
InstanceBuilder big() {
  return InstanceBuilder(64);
}
// `count` waiting jobs of one whole node each, with a limit, that came just now.
InstanceBuilder burst(unsigned count, double limit) {
  InstanceBuilder made = big();
  made.pending(whole_nodes(1), count);
  for (auto& job : made.state().jobs) {
    job.duration = limit;
    job.t_sched = now;
  }
  return made;
}

TEST(Load, CountsAShortJobForThePartThatOutlastsThePatience) {
  const auto demand = at(burst(40, 6));
  EXPECT_EQ(demand.wanted_all, 40U);
  EXPECT_EQ(demand.load, 4U);
  EXPECT_EQ(demand.wide, 1U);
  EXPECT_EQ(demand.target, 4U);
}

TEST(Load, CountsALongJobInFull) {
  EXPECT_EQ(at(burst(40, 60)).load, 40U);
  EXPECT_EQ(at(burst(40, 3600)).target, 40U);
}

TEST(Load, CountsAJobWithoutLimitInFull) {
  EXPECT_EQ(at(burst(40, 0)).load, 40U);
}

TEST(Load, CountsEverythingInFullWithoutPatience) {
  SizePolicy policy;
  policy.patience = Seconds(0);
  EXPECT_EQ(at(burst(40, 1), policy).target, 40U);
}

TEST(Load, CountsAJobThatWaitedLongerThanTwiceThePatienceInFull) {
  auto state = burst(40, 6);
  EXPECT_EQ(at(state, {}, now + 120).load, 4U);
  EXPECT_EQ(at(state, {}, now + 121).load, 40U);
}

TEST(Load, TakesTheSubmitTimeWhereFluxTellsNoSchedTime) {
  auto state = burst(40, 6);
  for (auto& job : state.state().jobs)
    job.t_submit = std::exchange(job.t_sched, 0);
  EXPECT_EQ(at(state).load, 4U);
  EXPECT_EQ(at(state, {}, now + 121).load, 40U);
}

TEST(Load, FallsWithTheRemainingLimitOfARunningJob) {
  InstanceBuilder made = big();
  made.online("0-63").use("0-9", "0-7").running(whole_nodes(10), 10, 80);
  made.last_job().expiration = now + 30;
  EXPECT_EQ(at(made).load, 5U);
  EXPECT_EQ(at(made, {}, now + 24).load, 1U);
  EXPECT_EQ(at(made, {}, now + 31).load, 0U);
  EXPECT_EQ(at(made, {}, now + 31).target, 10U) << "what runs is kept, however late it is";
}

TEST(Load, WorksTheEndOfARunningJobOutOfItsDuration) {
  InstanceBuilder made = big();
  made.use("0-9", "0-7").running(whole_nodes(10), 10, 80);
  made.last_job().duration = 600;
  made.last_job().t_run = now - 570;
  EXPECT_EQ(at(made).load, 5U);
}

TEST(Load, NeverSplitsASlot) {
  InstanceBuilder made = big();
  made.pending(slots(6, 5));  // one slot of 5 cores fits an 8-core node
  EXPECT_EQ(at(made).load, 6U);
}

TEST(Load, LooksAtEachSetOfAdmittedRanks) {
  InstanceBuilder made(10);
  made.queue("low", "0-4").queue("high", "5-9");
  made.pending(whole_nodes(1), 2, 0).pending(whole_nodes(1), 3, 1);
  EXPECT_EQ(at(made).load, 8U);
}

TEST(Load, AddsTheWorkOfNarrowerSetsToWiderOnes) {
  InstanceBuilder made(10);
  made.queue("all", "0-9").queue("high", "2-3");
  made.pending(whole_nodes(1), 4, 0).pending(whole_nodes(1), 2, 1);
  EXPECT_EQ(at(made).load, 6U);
}

TEST(Load, IgnoresJobsThatNeverFit) {
  InstanceBuilder made(6);
  made.pending(whole_nodes(7));
  const auto demand = at(made);
  EXPECT_EQ(demand.unsatisfiable, 1U);
  EXPECT_EQ(demand.load, 0U);
  EXPECT_EQ(demand.wide, 0U);
  EXPECT_EQ(demand.target, 0U);
}

TEST(Run, RepacksWhatRunsOnTheLowestRanks) {
  InstanceBuilder made = big();
  made.use("60-63", "0-1");
  for (int i = 0; i < 4; ++i)
    made.running(nodes(1, 2), 1, 2);
  const auto demand = at(made);
  EXPECT_EQ(demand.run, 1U);
  EXPECT_EQ(demand.safe_min, 1U) << "the ranks are offline: what they held is lost";
  made.online("0-63");
  EXPECT_EQ(at(made).safe_min, 64U);
  EXPECT_EQ(at(made).run, 1U);
}

TEST(Run, CountsCleanupAndHousekeeping) {
  InstanceBuilder made = big();
  made.online("0-63").use("8-11", "0-7").running(whole_nodes(4), 4, 32, 0, flux::JobState::cleanup);
  EXPECT_EQ(at(made).run, 4U);
  made.use("20-22", "0-7");  // no job holds these any more
  EXPECT_EQ(at(made).run, 7U);
}

TEST(Run, CountsGpusThatHousekeepingHolds) {
  InstanceBuilder made = big();
  made.online("0-63").use("8-11", "0", "0-1");
  EXPECT_EQ(at(made).run, 4U);
}

TEST(Run, IsTheSafeMinimumWhenWhatRunsFitsNowhere) {
  InstanceBuilder made(6);
  made.online("0-5").drain("0-3").use("0-3", "0-7").running(whole_nodes(4), 4, 32);
  EXPECT_EQ(at(made).run, 4U);
}

TEST(Wide, IsTheWidestWaitingJob) {
  auto state = burst(5, 1);
  state.pending(whole_nodes(12));
  state.last_job().duration = 1;
  state.last_job().t_sched = now;
  const auto demand = at(state);
  EXPECT_EQ(demand.wide, 12U);
  EXPECT_EQ(demand.load, 1U);
  EXPECT_EQ(demand.target, 12U);
}

TEST(AtTime, ChangesOnlyWhatTimeChanges) {
  const instance::InstanceState state = burst(40, 6);
  const auto later = at_time(at(state), state, {}, from_unix(now + 121));
  const auto again = at(state, {}, now + 121);
  EXPECT_EQ(later.load, 40U);
  EXPECT_EQ(later.load, again.load);
  EXPECT_EQ(later.target, again.target);
  EXPECT_EQ(later.wanted_all, again.wanted_all);
}

// WantedSize.

Demand target(std::uint32_t value, std::uint32_t safe_min = 1) {
  Demand demand;
  demand.target = value;
  demand.safe_min = safe_min;
  return demand;
}
SizePolicy hold(double time) {
  SizePolicy policy;
  policy.hold = Seconds(time);
  return policy;
}
MonoTime second(int time) {
  return MonoTime(seconds(1000 + time));
}

TEST(WantedSize, FollowsAtOnceWithoutHold) {
  WantedSize wanted(hold(0));
  EXPECT_EQ(wanted.update(target(8), 64, second(0)), 8U);
  EXPECT_EQ(wanted.update(target(2), 64, second(0)), 2U);
  EXPECT_EQ(wanted.update(target(5), 64, second(1)), 5U);
}

TEST(WantedSize, GrowsAtOnceAndFallsAfterTheHold) {
  WantedSize wanted(hold(60));
  EXPECT_EQ(wanted.update(target(2), 64, second(0)), 2U);
  EXPECT_EQ(wanted.update(target(8), 64, second(1)), 8U);
  EXPECT_EQ(wanted.update(target(2), 64, second(100)), 8U) << "8 was the target until now";
  EXPECT_EQ(wanted.update(target(2), 64, second(159)), 8U);
  EXPECT_EQ(wanted.update(target(2), 64, second(160)), 2U);
}

TEST(WantedSize, FallsInStepsThatEachOutlastedTheHold) {
  WantedSize wanted(hold(60));
  (void)wanted.update(target(8), 64, second(0));
  (void)wanted.update(target(6), 64, second(10));
  (void)wanted.update(target(7), 64, second(20));
  (void)wanted.update(target(3), 64, second(30));
  EXPECT_EQ(wanted.update(target(1), 64, second(69)), 8U);
  EXPECT_EQ(wanted.update(target(1), 64, second(70)), 7U) << "6 was hidden by the 7 that came after it";
  EXPECT_EQ(wanted.update(target(1), 64, second(90)), 3U);
  EXPECT_EQ(wanted.update(target(1), 64, second(128)), 3U) << "3 was the target until 69";
  EXPECT_EQ(wanted.update(target(1), 64, second(129)), 1U);
}

TEST(WantedSize, IsWithinThePolicy) {
  SizePolicy policy = hold(0);
  policy.min_replicas = 2;
  policy.max_replicas = 4;
  WantedSize wanted(policy);
  EXPECT_EQ(wanted.update(target(0), 64, second(0)), 2U);
  EXPECT_EQ(wanted.update(target(9), 64, second(1)), 4U);
}

TEST(WantedSize, IsNeverBelowTheSafeMinimumNorAboveTheSize) {
  SizePolicy policy = hold(0);
  policy.max_replicas = 4;
  WantedSize wanted(policy);
  EXPECT_EQ(wanted.update(target(1, 6), 64, second(0)), 6U);
  EXPECT_EQ(wanted.update(target(1, 6), 5, second(1)), 5U);
  EXPECT_EQ(wanted.update(target(9), 3, second(2)), 3U);
}

}  // namespace
}  // namespace fluxmetrics::sizing
