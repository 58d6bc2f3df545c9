// The resize protocol: each rule by itself, and 100,000 random histories of a little MiniCluster.
#include "sizing/resize.hpp"

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <string>

#include "sizing/resize_world.hpp"

namespace fluxmetrics::sizing {
namespace {

using std::chrono::seconds;

flux::IdSet ids(const char* text) {
  return flux::IdSet::parse(text).value();
}

// A MiniCluster of six ranks and size four, all of it quiet, whose machine has run for long enough.
struct Bench {
  explicit Bench(ResizePolicy policy = {}) : machine(policy) {
    seen.now = seen.flux_seen = MonoTime(seconds(1000));
    seen.need = 4;
    seen.ranks = 6;
    seen.online = ids("0-3");
    seen.ours = ids("4-5");
    seen.published = 4;
    seen.handed_out = 4;
    seen.cluster =
        ClusterSight{.seen = seen.now, .size = 4, .parallelism = 4, .terminating = {}, .joined = ids("0-3")};
    (void)machine.step(seen);
    wait(100);
  }
  void wait(int time) {
    seen.now += seconds(time);
    seen.flux_seen = seen.cluster->seen = seen.now;
  }
  ResizeActions step() { return machine.step(seen); }

  Resize machine;
  ResizeObservation seen;
};

ResizePolicy writer() {
  ResizePolicy policy;
  policy.writes = true;
  return policy;
}

TEST(Resize, DoesNothingWhenNothingIsToBeDone) {
  Bench bench;
  const auto actions = bench.step();
  EXPECT_TRUE(actions.drain.empty());
  EXPECT_TRUE(actions.undrain.empty());
  EXPECT_EQ(actions.publish, 4U);
  EXPECT_FALSE(actions.scale);
  EXPECT_EQ(to_sentence(actions), "");
}

TEST(Resize, DrainsUnbornRanksTooAndPublishesLessOnlyWhenThatIsSeen) {
  Bench bench;
  bench.seen.need = 2;
  bench.seen.ours = {};
  auto actions = bench.step();
  EXPECT_EQ(actions.drain, ids("2-5"));
  EXPECT_EQ(actions.publish, 4U);
  EXPECT_EQ(to_sentence(actions), "ranks 2-5 are not drained yet");
  bench.seen.ours = ids("2-4");
  EXPECT_EQ(bench.step().publish, 4U) << "5 could be born and take a job";
  bench.seen.ours = ids("2-5");
  EXPECT_EQ(bench.step().publish, 2U);
}

TEST(Resize, NeverDrainsRankZero) {
  ResizePolicy policy;
  policy.min = 0;
  Bench bench(policy);
  bench.seen.need = 0;
  const auto actions = bench.step();
  EXPECT_EQ(actions.drain, ids("1-3"));
  EXPECT_EQ(actions.publish, 4U);
}

TEST(Resize, KeepsWhatIsBusy) {
  Bench bench;
  bench.seen.need = 1;
  bench.seen.ours = ids("1-5");
  bench.seen.busy = ids("0,2");
  const auto actions = bench.step();
  EXPECT_EQ(actions.publish, 3U);
  EXPECT_EQ(to_sentence(actions), "rank 2 is drained and still in use: the size falls when it is empty");
}

TEST(Resize, TakesWhatOthersDrainedForDrainedAndLeavesIt) {
  Bench bench;
  bench.seen.need = 2;
  bench.seen.others = ids("1,3");
  auto actions = bench.step();
  EXPECT_EQ(actions.drain, ids("2"));
  bench.seen.ours = ids("2,4-5");
  EXPECT_EQ(bench.step().publish, 2U);
  bench.seen.need = 6;
  bench.seen.published = bench.seen.handed_out = bench.seen.cluster->size = 6;
  bench.seen.cluster->parallelism = 6;
  bench.seen.cluster->joined = ids("0-5");
  EXPECT_EQ(bench.step().undrain, ids("2,4-5"));
}

// The operator ignores sizes below minSize and above maxSize, and says nothing of it.
TEST(Resize, SaysThatASizeIsIgnored) {
  Bench bench;
  bench.seen.need = bench.seen.published = bench.seen.handed_out = bench.seen.cluster->size = 4;
  bench.seen.cluster->parallelism = 2;
  bench.seen.ours = ids("2-5");
  EXPECT_EQ(bench.step().wait, ResizeWait::sizes_differ) << "no pod comes for ranks 2 and 3";
  bench.seen.need = bench.seen.published = bench.seen.handed_out = bench.seen.cluster->size = 1;
  bench.seen.ours = ids("1-5");
  EXPECT_EQ(bench.step().wait, ResizeWait::sizes_differ) << "rank 1 stays, drained";
}

TEST(Resize, UndrainsWhatWasPublishedReadAskedForAndIsThere) {
  Bench bench;
  bench.seen.need = 6;
  bench.seen.ours = ids("3-5");
  bench.seen.published = bench.seen.handed_out = bench.seen.cluster->size = 6;
  bench.seen.cluster->parallelism = 6;
  bench.seen.cluster->joined = ids("0-5");
  const auto all = bench.seen;
  EXPECT_EQ(bench.step().undrain, ids("3-5"));
  bench.seen.need = 5;
  EXPECT_EQ(bench.step().undrain, ids("3-4"));
  bench.seen = all;
  bench.seen.published = 5;
  auto actions = bench.step();
  EXPECT_EQ(actions.undrain, ids("3-4"));
  EXPECT_EQ(actions.publish, 6U);
  bench.seen = all;
  bench.seen.handed_out = 4;
  actions = bench.step();
  EXPECT_EQ(actions.undrain, ids("3"));
  bench.seen.handed_out = 0;
  actions = bench.step();
  EXPECT_EQ(actions.undrain, ids(""));
  EXPECT_TRUE(
      to_sentence(actions).starts_with("ranks 3-5 stay drained until a size was read from this server"));
  bench.seen.handed_out = 3;
  EXPECT_EQ(to_sentence(bench.step()), "ranks 3-5 stay drained until the larger size is read");
  bench.seen = all;
  bench.seen.cluster->size = 4;
  EXPECT_EQ(bench.step().undrain, ids("3"));
  bench.seen = all;
  bench.seen.cluster->parallelism = 5;
  EXPECT_EQ(bench.step().undrain, ids("3-4"));
  bench.seen = all;
  bench.seen.cluster->joined = ids("0-4");
  bench.seen.online = ids("0-5");
  actions = bench.step();
  EXPECT_EQ(actions.undrain, ids("3-4")) << "the broker of 5 is that of a pod that goes";
  bench.seen.ours = ids("5");
  EXPECT_EQ(to_sentence(bench.step()), "rank 5 stays drained until the broker of a pod that stays is online");
}

TEST(Resize, GrowsOverAnOldPodOnlyWhenItsRankIsOursAndEmpty) {
  Bench bench(writer());
  bench.seen.need = 6;
  bench.seen.cluster->terminating = ids("1,4-5");
  EXPECT_EQ(bench.step().scale, 6U);
  bench.seen.busy = ids("5");
  auto actions = bench.step();
  EXPECT_EQ(actions.scale, 5U) << "as far as it may";
  EXPECT_EQ(actions.wait, ResizeWait::old_pod);
  EXPECT_EQ(actions.waits_for, ids("5"));
  bench.seen.busy = {};
  bench.seen.ours = ids("5");
  actions = bench.step();
  EXPECT_EQ(actions.scale, std::nullopt);
  EXPECT_EQ(actions.drain, ids("4")) << "until it dies nothing else shall start on it";
  bench.seen.others = ids("4");
  EXPECT_EQ(bench.step().scale, std::nullopt) << "whoever drained it may undrain it";
  bench.seen.cluster->terminating = {};
  EXPECT_EQ(bench.step().scale, 6U);
}

// A broker that restarts without its files has forgotten all drains.
TEST(Resize, DrainsAgainWhatAWriterMayStillTakeAway) {
  Bench bench;
  bench.seen.need = bench.seen.published = 6;
  bench.seen.ours = {};
  bench.seen.handed_out = 3;
  EXPECT_EQ(bench.step().drain, ids("3-5"));
  bench.seen.handed_out = 6;
  EXPECT_EQ(bench.step().drain, ids(""));
  bench.seen.handed_out = nobody;
  EXPECT_EQ(bench.step().drain, ids(""));
  bench.seen.handed_out = 0;
  EXPECT_EQ(bench.step().drain, ids("")) << "not known";
}

TEST(Resize, DrainsARankWhoseBrokerIsThatOfAPodThatGoes) {
  Bench bench;
  bench.seen.cluster->terminating = ids("0,2-3");
  bench.seen.cluster->joined = ids("1,3");
  EXPECT_EQ(bench.step().drain, ids("2"))
      << "of 3 the new pod's broker is online, and rank 0 is never drained";
  bench.seen.ours = ids("2,4-5");
  EXPECT_EQ(bench.step().drain, ids(""));
  EXPECT_EQ(bench.step().undrain, ids(""));
  bench.seen.cluster->joined = ids("1-3");
  EXPECT_EQ(bench.step().undrain, ids("2"));
}

TEST(Resize, ShrinksAtMostOnceInAWhile) {
  for (const bool writes : {false, true}) {
    ResizePolicy policy;
    policy.writes = writes;
    Bench bench(policy);
    const auto shrink_to = [&](std::uint32_t size) {
      bench.seen.need = size;
      bench.seen.ours = flux::IdSet::range(size, 5);
      const auto actions = bench.step();
      return writes ? actions.scale.value_or(bench.seen.cluster->size) : actions.publish;
    };
    const auto obey = [&](std::uint32_t size) {
      bench.seen.published = bench.seen.cluster->size = size;
      bench.seen.cluster->parallelism = size;
    };
    EXPECT_EQ(shrink_to(3), 3U);
    EXPECT_EQ(shrink_to(2), 2U) << "nobody has obeyed yet: it is still the same shrink";
    obey(2);
    EXPECT_EQ(shrink_to(1), 2U);
    bench.wait(14);
    EXPECT_EQ(shrink_to(1), 2U);
    EXPECT_EQ(to_sentence(bench.step()), "the last shrink is too recent for the next one");
    bench.wait(1);
    EXPECT_EQ(shrink_to(1), 1U);
  }
}

TEST(Resize, GivesNothingBackOnOldNewsAndGrowsForAMinute) {
  for (const bool flux_is_silent : {true, false}) {
    Bench bench(writer());
    bench.seen.need = 2;
    bench.seen.ours = ids("2-5");
    const auto silent_for = [&](int time) {
      auto seen = bench.seen;
      (flux_is_silent ? seen.flux_seen : seen.cluster->seen) = seen.now - seconds(time);
      return bench.machine.step(seen);
    };
    EXPECT_EQ(silent_for(10).scale, 2U);
    EXPECT_EQ(silent_for(11).scale, std::nullopt);
    EXPECT_EQ(silent_for(11).publish, 4U);
    EXPECT_EQ(silent_for(11).wait, flux_is_silent ? ResizeWait::flux_silent : ResizeWait::cluster_silent);
    bench.seen.need = 6;
    EXPECT_EQ(silent_for(11).scale, 6U);
    EXPECT_TRUE(silent_for(11).undrain.empty());
    EXPECT_EQ(silent_for(60).scale, 6U);
    EXPECT_EQ(silent_for(61).scale, std::nullopt);
    EXPECT_EQ(silent_for(61).publish, 4U);
  }
}

TEST(Resize, GivesNothingBackWhileTheSizesDiffer) {
  Bench bench(writer());
  bench.seen.need = 2;
  bench.seen.ours = ids("2-5");
  bench.seen.cluster->parallelism = 3;
  const auto actions = bench.step();
  EXPECT_EQ(actions.scale, std::nullopt);
  EXPECT_EQ(actions.publish, 4U);
  EXPECT_EQ(actions.wait, ResizeWait::sizes_differ);
}

TEST(Resize, HasNoMemoryAfterAStartAndThatIsNoReasonToShrink) {
  Bench bench;
  bench.seen.need = 2;
  bench.seen.ours = {};
  bench.seen.published = bench.seen.handed_out = 0;
  bench.machine = Resize({});
  auto actions = bench.step();
  EXPECT_EQ(actions.publish, 4U) << "the Job's";
  EXPECT_EQ(actions.drain, ids("4-5"));
  EXPECT_EQ(actions.wait, ResizeWait::just_started);
  bench.seen.published = 4;
  bench.wait(59);
  EXPECT_EQ(bench.step().drain, ids("4-5"));
  bench.wait(1);
  EXPECT_EQ(bench.step().drain, ids("2-5"));
}

TEST(Resize, TakesTheRanksThatAreKnownWhereThereIsNoCluster) {
  ResizePolicy policy;
  policy.watches_cluster = false;
  Resize machine(policy);
  Bench bench;
  bench.seen.cluster.reset();
  bench.seen.published = bench.seen.handed_out = 0;
  bench.seen.need = 1;
  EXPECT_EQ(machine.step(bench.seen).publish, 4U);
  Resize watching({});
  EXPECT_EQ(watching.step(bench.seen).publish, 0U) << "nothing is known of a cluster that should be there";
}

TEST(Resize, AnswersForSizesThatOthersAskFor) {
  Bench bench;
  bench.seen.others = ids("3");
  EXPECT_EQ(ranks_to_drain(bench.seen, 1), ids("1-2"));
  EXPECT_EQ(ranks_to_drain(bench.seen, 0), ids("1-2"));
  EXPECT_EQ(smallest_safe_size(bench.seen, 1), 3U);
  bench.seen.ours = ids("1-2,4-5");
  EXPECT_EQ(smallest_safe_size(bench.seen, 1), 1U);
  bench.seen.busy = ids("1");
  EXPECT_EQ(smallest_safe_size(bench.seen, 1), 2U);
  EXPECT_EQ(smallest_safe_size(bench.seen, 3), 3U);
}

std::string text_of(const History& history) {
  std::string text;
  for (const auto& line : history.lines)
    text += line + "\n";
  return text;
}

// As many as take seconds; FLUXMETRICS_HISTORIES asks for more.
std::uint64_t histories() {
  if (const auto* wanted = std::getenv("FLUXMETRICS_HISTORIES")) return std::strtoull(wanted, nullptr, 10);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  return 100'000;
#else
  return 4'000;
#endif
}

// At an orderly end nobody will read a smaller value any more.
TEST(Resize, LeavesNoRankDrainedForNothingAtItsEnd) {
  Bench bench;
  auto& seen = bench.seen;
  const auto left = [&] { return ranks_to_undrain_at_end(seen, ResizePolicy{}); };
  EXPECT_EQ(left(), ids("4-5")) << "unborn, and nothing shrinks";
  seen.others = ids("5");
  EXPECT_EQ(left(), ids("4")) << "what somebody else drained stays";
  seen.others = {};
  seen.ours = ids("2-5");
  EXPECT_EQ(left(), ids("2-5")) << "a smaller value was published, and nobody has read it";
  seen.handed_out = 2;
  EXPECT_EQ(left(), flux::IdSet{})
      << "whoever read it takes 2 and 3 away, and pods of 4 may have been asked for";
  seen.handed_out = 3;
  EXPECT_EQ(left(), ids("2"));
  seen.handed_out = 0;
  EXPECT_EQ(left(), flux::IdSet{}) << "not known";
  seen.handed_out = nobody;
  EXPECT_EQ(left(), ids("2-5"));
  seen.cluster->terminating = ids("3");
  seen.cluster->joined = ids("0-2");
  EXPECT_EQ(left(), ids("2,4-5")) << "an old pod's broker";
  seen.cluster->parallelism = 5;
  EXPECT_EQ(left(), ids("2")) << "the operator is not done";
  seen.flux_seen -= seconds(20);
  EXPECT_EQ(left(), flux::IdSet{}) << "old news";
}

TEST(Resize, LeavesNoRankDrainedForNothingWhereThereIsNoCluster) {
  ResizePolicy policy;
  policy.watches_cluster = false;
  Bench bench(policy);
  auto& seen = bench.seen;
  seen.cluster.reset();
  seen.ours = ids("2-5");
  EXPECT_EQ(ranks_to_undrain_at_end(seen, policy), ids("2-5"));
  seen.handed_out = 3;
  EXPECT_EQ(ranks_to_undrain_at_end(seen, policy), ids("2"));
}

TEST(ResizeHistories, LoseNoJobAndReachWhatIsNeeded) {
  std::uint64_t shrinks = 0;
  std::uint64_t jobs = 0;
  const auto count = histories();
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    const auto history = play_history(seed);
    shrinks += history.shrinks;
    jobs += history.jobs;
    ASSERT_EQ(history.fault, Fault::none) << "seed " << seed << ": " << name_of(history.fault) << "\n"
                                          << text_of(play_history(seed, Mutant::none, true));
  }
  const Seconds took = std::chrono::steady_clock::now() - began;
  fmt::print("{} histories, {:.0f} a second: {} shrinks, {} jobs\n", count,
             static_cast<double>(count) / took.count(), shrinks, jobs);
  EXPECT_GT(shrinks, count / 2);
  EXPECT_GT(jobs, count * 4);
}

TEST(ResizeHistories, AreTheSameForTheSameSeed) {
  EXPECT_EQ(play_history(7, Mutant::none, true).lines, play_history(7, Mutant::none, true).lines);
  EXPECT_NE(play_history(7, Mutant::none, true).lines, play_history(8, Mutant::none, true).lines);
}

// Storms over many MiniClusters, until the size has fallen 10,000 times.
History weather(Mutant mutant) {
  constexpr std::uint64_t shrinks = 10'000;
  constexpr std::uint64_t of_each = 50;
  History sum;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t seed = 1; sum.shrinks < shrinks && seed < shrinks; ++seed) {
    const auto history = play_storm(seed, of_each, mutant);
    if (mutant == Mutant::none && history.killed > 0) {
      ADD_FAILURE() << "seed " << seed << " kills:\n" << text_of(play_storm(seed, of_each, mutant, true));
      return history;
    }
    sum.shrinks += history.shrinks;
    sum.jobs += history.jobs;
    sum.killed += history.killed;
    sum.grown_over += history.grown_over;
    sum.broker_restarts += history.broker_restarts;
    sum.agent_kills += history.agent_kills;
  }
  const Seconds took = std::chrono::steady_clock::now() - began;
  fmt::print(
      "{}: {} shrinks, {} jobs, {} killed; {} pods started while the old one terminated, {} restarts of "
      "brokers, {} kills of the agent, {:.1f} s\n",
      mutant == Mutant::none ? "drained first" : "not drained", sum.shrinks, sum.jobs, sum.killed,
      sum.grown_over, sum.broker_restarts, sum.agent_kills, took.count());
  return sum;
}

TEST(ResizeStorms, KillNoJobInTenThousandShrinksAndWithoutDrainsThousands) {
  const auto drained = weather(Mutant::none);
  EXPECT_GE(drained.shrinks, 10'000U);
  EXPECT_EQ(drained.killed, 0U);
  EXPECT_GT(drained.jobs, 10'000U);
  EXPECT_GT(drained.grown_over, 1000U);
  EXPECT_GT(drained.broker_restarts, 1000U);
  EXPECT_GT(drained.agent_kills, 1000U);
  const auto hoping = weather(Mutant::hopes);
  EXPECT_GE(hoping.shrinks, 10'000U);
  EXPECT_GT(hoping.killed, 1000U) << "without drains jobs die, or the storm blows at nothing";
}

// Each rule that is left out shows as the fault that it is there against: so each check can fail.
TEST(ResizeHistories, FindEachRuleThatIsLeftOut) {
  const std::map<Mutant, Fault> expected{
      {Mutant::takes_drains_for_done, Fault::smaller_before_drained},
      {Mutant::keeps_what_was_busy, Fault::busy_rank_left},
      {Mutant::sees_no_jobs, Fault::busy_rank_left},
      {Mutant::leaves_unborn_ranks, Fault::smaller_before_drained},
      {Mutant::drains_rank_zero, Fault::rank_zero_drained},
      {Mutant::takes_all_drains_for_ours, Fault::foreign_drain_touched},
      {Mutant::forgets_what_was_read, Fault::undrained_on_its_way_out},
      {Mutant::undrains_before_publishing, Fault::undrained_before_published},
      {Mutant::forgets_the_size, Fault::undrained_on_its_way_out},
      {Mutant::takes_any_broker, Fault::undrained_on_its_way_out},
      {Mutant::grows_over_old_pods, Fault::grown_over_old_pod},
      {Mutant::trusts_old_news, Fault::shrunk_unknowing},
      {Mutant::trusts_one_size, Fault::shrunk_unknowing},
      {Mutant::shrinks_at_once, Fault::shrunk_too_soon},
      {Mutant::shrinks_without_memory, Fault::shrunk_unknowing},
      {Mutant::never_undrains, Fault::need_not_reached},
      {Mutant::never_drains, Fault::need_not_reached},
      {Mutant::hopes, Fault::smaller_before_drained},
  };
  for (const auto& [mutant, fault] : expected) {
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 4000 && !found; ++seed)
      found = play_history(seed, mutant).fault == fault;
    EXPECT_TRUE(found) << "mutant " << static_cast<int>(mutant) << " never does: " << name_of(fault);
  }
}

}  // namespace
}  // namespace fluxmetrics::sizing
