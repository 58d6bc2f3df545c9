// What holds for every instance, and the corners that the table of states leaves out.
#include "sizing/demand.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "support/capture_state.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

using support::ids;
using support::InstanceBuilder;
using support::nodes;
using support::slots;
using support::whole_nodes;

constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();

Demand of(const instance::InstanceState& state, const SizePolicy& policy = {}) {
  return compute_demand(state, policy, from_unix(1.8e9));
}
std::uint64_t nodes_of(const Demand& demand) {
  std::uint64_t sum = 0;
  for (const auto& queue : demand.queues)
    sum += queue.nodes;
  return sum;
}

class RandomInstance {
 public:
  explicit RandomInstance(std::uint64_t seed) : random_(seed) {}
  InstanceBuilder next() {
    const auto size = upto(1, 12);
    InstanceBuilder made(size);
    made.queue("a", fmt::format("0-{}", size - 1));
    made.queue("b", fmt::format("{}-{}", size / 2, size - 1));
    const auto jobs = upto(0, 12);
    for (std::uint32_t i = 0; i < jobs; ++i)
      made.pending(shape(), 1, upto(0, 1));
    for (std::uint32_t rank = 0; rank < size; ++rank) {
      if (upto(0, 3) != 0) continue;
      made.state().online.insert(rank);
      const auto cores = upto(1, 8);
      made.use(fmt::format("{}", rank), fmt::format("0-{}", cores - 1));
      made.running(nodes(1, cores), 1, cores, 0);
    }
    made.state().offline = made.state().resources.ranks() - made.state().online;
    return made;
  }
  flux::Shape shape() {
    switch (upto(0, 2)) {
      case 0:
        return whole_nodes(upto(1, 6));
      case 1:
        return nodes(upto(1, 6), upto(1, 4), upto(1, 3));
      default:
        return slots(upto(1, 20), upto(1, 4), upto(0, 1));
    }
  }
  std::mt19937_64& engine() { return random_; }

 private:
  std::uint32_t upto(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution(low, high)(random_);
  }
  std::mt19937_64 random_;
};

void expect_equal(const Demand& a, const Demand& b) {
  EXPECT_EQ(a.safe_min, b.safe_min);
  EXPECT_EQ(a.wanted_all, b.wanted_all);
  EXPECT_EQ(a.shortage, b.shortage);
  EXPECT_EQ(a.unsatisfiable, b.unsatisfiable);
  EXPECT_EQ(a.run, b.run);
  EXPECT_EQ(a.wide, b.wide);
  EXPECT_EQ(a.load, b.load);
  ASSERT_EQ(a.queues.size(), b.queues.size());
  for (std::size_t i = 0; i < a.queues.size(); ++i) {
    EXPECT_EQ(a.queues[i].nodes, b.queues[i].nodes);
    EXPECT_EQ(a.queues[i].cores, b.queues[i].cores);
    EXPECT_EQ(a.queues[i].gpus, b.queues[i].gpus);
  }
}

TEST(Demand, DoesNotDependOnTheOrderOfTheJobs) {
  RandomInstance random(11);
  for (int i = 0; i < 300; ++i) {
    instance::InstanceState state = random.next();
    const auto before = of(state);
    std::ranges::shuffle(state.jobs, random.engine());
    SCOPED_TRACE(i);
    expect_equal(before, of(state));
  }
}

TEST(Demand, StaysWithinItsBounds) {
  RandomInstance random(12);
  for (int i = 0; i < 1000; ++i) {
    const instance::InstanceState state = random.next();
    const auto demand = of(state);
    SCOPED_TRACE(i);
    EXPECT_GE(demand.wanted_all, demand.safe_min);
    EXPECT_LE(demand.wanted_all, state.size);
    EXPECT_LE(demand.wide, state.size);
    EXPECT_LE(demand.shortage, state.offline.size());
    EXPECT_LE(demand.target, state.size);
    EXPECT_LE(demand.unsatisfiable, state.jobs.size());
  }
}

TEST(Demand, GrowsWithMoreWorkOfTheSameKind) {
  RandomInstance random(13);
  for (int i = 0; i < 1000; ++i) {
    InstanceBuilder builder(40);
    builder.online("0-9");
    const auto shape = random.shape();
    Demand before = of(builder);
    for (int jobs = 0; jobs < 8; ++jobs) {
      builder.pending(shape);
      const auto after = of(builder);
      EXPECT_GE(after.wanted_all, before.wanted_all);
      EXPECT_GE(after.shortage, before.shortage);
      EXPECT_GE(nodes_of(after), nodes_of(before));
      EXPECT_GE(after.queues[0].cores, before.queues[0].cores);
      EXPECT_GE(after.load, before.load);
      EXPECT_GE(after.wide, before.wide);
      before = after;
    }
  }
}

TEST(Demand, GrowsWithMinReplicasAndNeverPassesTheSize) {
  const instance::InstanceState state = InstanceBuilder(6).online("0-3");
  std::uint32_t before = 0;
  for (std::uint32_t least = 0; least < 10; ++least) {
    SizePolicy policy;
    policy.min_replicas = least;
    const auto wanted = of(state, policy).wanted_all;
    EXPECT_GE(wanted, before);
    EXPECT_EQ(wanted, std::clamp(least, 1U, 6U));
    before = wanted;
  }
}

TEST(Demand, CountsCoresAndGpusThatJobsHoldOrAskFor) {
  InstanceBuilder made(6);
  made.queue("a", "0-5").queue("b", "0-5");
  made.online("0-3").use("0", "0-3", "0");
  made.running(nodes(1, 4, 1, 0), 1, 4, 0);
  made.pending(whole_nodes(2), 1, 0);     // 16 cores, 4 gpus
  made.pending(slots(3, 2, 1), 2, 1);     // 12 cores, 6 gpus
  made.pending(nodes(2, 2, 1, 1), 1, 1);  // 4 cores, 4 gpus
  const auto demand = of(made);
  EXPECT_EQ(demand.queues[0].cores, 20U);
  EXPECT_EQ(demand.queues[0].gpus, 4U);
  EXPECT_EQ(demand.queues[1].cores, 16U);
  EXPECT_EQ(demand.queues[1].gpus, 10U);
}

TEST(Demand, GivesANodeThatQueuesShareToTheQueueThatCameFirst) {
  InstanceBuilder made(6);
  made.queue("a", "0-5").queue("b", "0-5");
  made.pending(slots(1, 4), 1, 0).pending(slots(1, 4), 1, 1);
  const auto demand = of(made);
  EXPECT_EQ(demand.queues[0].nodes, 1U);
  EXPECT_EQ(demand.queues[1].nodes, 0U);
}

TEST(Demand, SharesNoNodeBetweenQueuesThatShareNoRank) {
  InstanceBuilder made(6);
  made.queue("a", "0-2").queue("b", "3-5");
  made.pending(slots(1, 4), 1, 0).pending(slots(1, 4), 1, 1);
  const auto demand = of(made);
  EXPECT_EQ(demand.queues[0].nodes, 1U);
  EXPECT_EQ(demand.queues[1].nodes, 1U);
}

TEST(Demand, SeparatesTheQueuesOfTheCapture) {
  const auto demand = of(support::captured_state("15-sizes"));
  ASSERT_EQ(demand.queues.size(), 2U);
  EXPECT_EQ(demand.queues[0].queue, "batch");
  EXPECT_EQ(demand.queues[1].queue, "debug");
  EXPECT_EQ(demand.queues[1].nodes, 2U);
  EXPECT_EQ(demand.queues[0].cores, 8U + 6 * 8 + 20 + 8 + 9 + 12 + 12);
  EXPECT_EQ(demand.queues[1].cores, 3U + 8) << "not the 12 of the job that no node holds";
  EXPECT_EQ(demand.queues[0].gpus, 12U) << "whole nodes are taken with their gpus";
  EXPECT_EQ(demand.queues[1].gpus, 3U + 4);
  EXPECT_EQ(demand.shape_unknown, 0U);
}

TEST(Demand, LeavesOutWhatNoNodeHolds) {
  InstanceBuilder made(6);
  made.pending(slots(3, 9)).pending(nodes(4, 1, 1, 3)).pending(slots(1));
  const auto demand = of(made);
  EXPECT_EQ(demand.unsatisfiable, 2U);
  EXPECT_EQ(nodes_of(demand), 1U);
}

TEST(Demand, CountsJobsWhoseShapeIsUnknown) {
  InstanceBuilder made(6);
  made.pending(flux::shape_from_counts(2, 6)).pending(flux::shape_from_counts({}, 12)).pending(slots(1));
  const auto demand = of(made);
  EXPECT_EQ(demand.shape_unknown, 2U);
  EXPECT_EQ(demand.wanted_all, 3U);
}

TEST(Demand, DecidesByIdBetweenEqualClaims) {
  // Three whole-node jobs on two sets of two ranks that share rank 1: whoever comes first gets the lower
  // rank.
  const auto on = [](const char* ranks) {
    auto shape = whole_nodes(1);
    shape.constraint = flux::Constraint::from_json({{"ranks", {ranks}}}).value();
    return shape;
  };
  InstanceBuilder first(6);
  first.pending(on("1-2")).pending(on("0-1"));
  EXPECT_EQ(of(first).wanted_all, 2U) << "rank 1, then rank 0";
  InstanceBuilder second(6);
  second.pending(on("0-1")).pending(on("1-2")).pending(on("0-1"));
  EXPECT_EQ(of(second).wanted_all, 2U) << "0, then 1, and the last waits: it fits on rank 0 by itself";
}

TEST(Demand, SurvivesCountsThatNobodyMeans) {
  InstanceBuilder made(6);
  made.pending(nodes(most, most, most, most), 3)
      .pending(slots(most, most, most), 3)
      .pending(whole_nodes(most), 3);
  made.pending(slots(0)).pending(nodes(0, 0));
  made.running(nodes(most, most), most, most);
  const auto demand = of(made);
  EXPECT_EQ(demand.unsatisfiable, 9U);
  EXPECT_EQ(demand.wanted_all, 1U);
  EXPECT_GE(nodes_of(demand), most);
  EXPECT_GE(demand.queues[0].cores, most);
}

TEST(Demand, SurvivesAnInstanceOfFourBillionRanks) {
  InstanceBuilder made(most - 1);
  made.pending(whole_nodes(1'000'000'000), 3).pending(slots(most, 8)).pending(nodes(3, 2), 1000);
  const auto demand = of(made);
  EXPECT_EQ(demand.unsatisfiable, 1U) << "one slot more than there are ranks";
  EXPECT_EQ(demand.wide, 1'000'000'000U);
  EXPECT_EQ(demand.wanted_all, 3'000'000'750U) << "four shares of two cores fill a rank";
  EXPECT_EQ(demand.shortage, 3'000'000'750U);
}

TEST(Demand, KnowsNothingOfAnInstanceWithoutResources) {
  instance::InstanceState state = InstanceBuilder(6).resources({}).pending(whole_nodes(3)).pending(slots(2));
  const auto demand = of(state);
  EXPECT_EQ(demand.wanted_all, 1U);
  EXPECT_EQ(demand.unsatisfiable, 2U);
  EXPECT_EQ(nodes_of(demand), 5U);
  state.size = 0;
  EXPECT_EQ(of(state).wanted_all, 0U);
}

TEST(UsableRanks, LeavesOutWhatCannotBeCountedOn) {
  InstanceBuilder made(10);
  made.online("0-5").exclude("0").torpid("1").drain("2").drain("3", "flux-metrics-api: shrink").drain("4-5");
  made.drain("4", "flux-metrics-api: shrink");
  SizePolicy policy;
  EXPECT_EQ(usable_ranks(made, policy), ids("3,6-9")) << "rank 4 is drained by us and by somebody else";
  policy.max_replicas = 8;
  EXPECT_EQ(usable_ranks(made, policy), ids("3,6-7"));
}

}  // namespace
}  // namespace fluxmetrics::sizing
