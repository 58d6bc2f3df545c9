// --size-policy: what the wanted size follows.
#include <gtest/gtest.h>

#include "sizing/demand.hpp"
#include "sizing/wanted.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

using support::InstanceBuilder;

std::uint32_t target(const instance::InstanceState& state, SizeRule rule) {
  SizePolicy policy;
  policy.rule = rule;
  return compute_demand(state, policy, from_unix(1000)).target;
}

// Ten short jobs of a node each, and one of four nodes.
InstanceBuilder mixed() {
  InstanceBuilder made(16);
  made.online("0-1").pending(support::whole_nodes(1), 10);
  for (auto& job : made.state().jobs)
    job.duration = 6;  // a tenth of the patience
  made.pending(support::whole_nodes(4));
  return made;
}

TEST(SizeRules, DifferInWhatTheyCount) {
  const auto made = mixed();
  EXPECT_EQ(target(made, SizeRule::wanted), 5U) << "four nodes, and one for ten tenths";
  EXPECT_EQ(target(made, SizeRule::all), 14U);
  EXPECT_EQ(target(made, SizeRule::head_of_line), 1U) << "the first job in the line is a small one";
}

TEST(SizeRules, TheHeadIsTheJobOfTheHighestPriority) {
  auto made = mixed();
  made.last_job().priority = 20;
  EXPECT_EQ(target(made, SizeRule::head_of_line), 4U);
  made.state().jobs[3].priority = 21;
  EXPECT_EQ(target(made, SizeRule::head_of_line), 1U);
}

TEST(SizeRules, EachQueueHasAHead) {
  InstanceBuilder made(8);
  made.online("0-1").queue("batch", "0-5").queue("debug", "6-7");
  made.pending(support::whole_nodes(2), 3, 0).pending(support::whole_nodes(1), 3, 1);
  EXPECT_EQ(target(made, SizeRule::head_of_line), 7U) << "rank 6 for debug";
}

TEST(SizeRules, TheHeadStartsBesideWhatRuns) {
  InstanceBuilder made(8);
  made.online("0-3").running(support::whole_nodes(2), 2, 16).use("0-1", "0-7", "0-1");
  made.pending(support::whole_nodes(3), 2);
  EXPECT_EQ(target(made, SizeRule::head_of_line), 5U);
  EXPECT_EQ(target(made, SizeRule::all), 8U);
}

TEST(SizeRules, NoJobNeedsNoRank) {
  InstanceBuilder made(4);
  for (const auto rule : {SizeRule::wanted, SizeRule::all, SizeRule::head_of_line})
    EXPECT_LE(target(made, rule), 1U);
}

TEST(SizeRules, AreKeptWhenOnlyTimePasses) {
  const instance::InstanceState state = mixed();
  for (const auto rule : {SizeRule::wanted, SizeRule::all, SizeRule::head_of_line}) {
    SizePolicy policy;
    policy.rule = rule;
    const auto demand = compute_demand(state, policy, from_unix(1000));
    EXPECT_EQ(at_time(demand, state, policy, from_unix(1000)).target, demand.target);
  }
}

}  // namespace
}  // namespace fluxmetrics::sizing
