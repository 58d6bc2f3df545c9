// What the scheduler's settings change about demand, and what holds under every scheduler: jobs that run do
// not move, jobs that can never start ask for nothing. States and answers as seen on flux-sched 0.54.
#include <gtest/gtest.h>

#include "sizing/backlog.hpp"
#include "sizing/demand.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

using support::InstanceBuilder;
using support::nodes;
using support::slots;
using support::whole_nodes;

Demand of(const instance::InstanceState& state) {
  return compute_demand(state, {}, from_unix(1.8e9));
}

InstanceBuilder under(std::string match_policy, InstanceBuilder made) {
  made.state().scheduler.kind = instance::Scheduler::Kind::fluxion;
  made.state().scheduler.match_policy = instance::Setting::of(std::move(match_policy));
  return made;
}

InstanceBuilder eight_nodes_of_16_cores() {
  InstanceBuilder made(8, "0-15", "0-1");
  made.online("0");
  return made;
}

TEST(WholeNodes, EachJobAsksForANodeUnderEveryPolicyThatSharesNone) {
  for (const auto* policy :
       {"lonodex", "hinodex", "firstnodex", "policy=high node_centric=true node_exclusive=true"}) {
    auto made = under(policy, eight_nodes_of_16_cores());
    made.pending(slots(1), 8);
    const auto demand = of(made);
    EXPECT_EQ(demand.wanted_all, 8U) << policy;
    EXPECT_EQ(demand.load, 8U) << policy;
    EXPECT_EQ(demand.shortage, 7U) << policy;
    EXPECT_EQ(demand.queues.at(0).nodes, 8U) << policy;
    EXPECT_EQ(demand.queues.at(0).cores, 128U) << policy;
    EXPECT_EQ(demand.queues.at(0).gpus, 16U) << policy << ": all gpus of a node go to its job";
    EXPECT_EQ(backlog_by_queue(made, {}).at(0).most_cores, 16U) << policy;
  }
}

TEST(WholeNodes, JobsShareANodeUnderTheOtherPolicies) {
  for (const auto* policy : {"first", "low", "high", "lonode", "hinode", "policy=low node_centric=true"}) {
    auto made = under(policy, eight_nodes_of_16_cores());
    made.pending(slots(1), 8);
    EXPECT_EQ(of(made).wanted_all, 1U) << policy;
    EXPECT_EQ(of(made).queues.at(0).cores, 8U) << policy;
  }
}

TEST(WholeNodes, TheSlotsOfOneJobShareNodes) {
  auto made = under("lonodex", eight_nodes_of_16_cores());
  made.pending(slots(20)).pending(slots(3, 6));
  const auto demand = of(made);
  EXPECT_EQ(demand.wanted_all, 4U) << "two nodes each: 20 cores, and two slots of 6 cores a node";
  EXPECT_EQ(demand.queues.at(0).cores, 64U);
}

TEST(WholeNodes, OneJobLiesAcrossNodesOfDifferentKinds) {
  auto made = under("lonodex", InstanceBuilder(4));
  made.resources({{.ranks = support::ids("0"), .cores = support::ids("0-1"), .gpus = {}},
                  {.ranks = support::ids("1-3"), .cores = support::ids("0-3"), .gpus = {}}});
  EXPECT_EQ(of(made.pending(slots(5))).wanted_all, 2U) << "two cores of rank 0, three of rank 1";
  EXPECT_EQ(of(made.pending(slots(1))).wanted_all, 3U);
}

TEST(WholeNodes, AJobThatFindsTooFewLeavesThemUntouched) {
  auto made = under("lonodex", InstanceBuilder(4, "0-3", ""));
  EXPECT_EQ(of(made.pending(slots(9), 2)).wanted_all, 3U) << "the second waits for the first";
  EXPECT_EQ(of(made.pending(slots(2))).wanted_all, 4U);
}

TEST(WholeNodes, ManyJobsCostNoMoreThanFew) {
  auto made = under("lonodex", InstanceBuilder(1'000'000, "0-3", ""));
  const auto demand = of(made.pending(slots(6), 100'000));
  EXPECT_EQ(demand.wanted_all, 200'000U);
  EXPECT_EQ(demand.queues.at(0).nodes, 200'000U);
}

TEST(WholeNodes, NothingSharesANodeThatAJobHoldsWhole) {
  InstanceBuilder made(4, "0-3", "0");
  made.online("0-3").use("0", "0-3", "0").running(whole_nodes(1), 1, 4).pending(slots(1, 0, 1));
  EXPECT_EQ(of(made).queues.at(0).nodes, 2U) << "a slot of a gpu alone takes no core, but a node";
}

TEST(WholeNodes, ABusyNodeTakesNoSecondJob) {
  auto made = under("lonodex", eight_nodes_of_16_cores());
  made.use("0", "0-15", "0-1").running(slots(1), 1, 16).pending(slots(1));
  EXPECT_EQ(of(made).wanted_all, 2U);
  EXPECT_EQ(of(made).queues.at(0).gpus, 4U) << "the running job holds the gpus of its node, too";
}

TEST(Running, NoJobMovesToMoreRanksThanItLiesOn) {
  InstanceBuilder made(6, "0-3", "");
  made.online("0-3").use("0-3", "0-3");
  made.running(slots(1), 1, 1).running(nodes(4, 1), 4, 4).running(slots(3, 2), 3, 6);
  const auto demand = of(made);
  EXPECT_EQ(demand.safe_min, 4U);
  EXPECT_EQ(demand.run, 4U) << "packed anew they would take five";
  EXPECT_EQ(demand.target, 4U);
}

TEST(Running, AJobOnADrainedRankStaysThere) {
  InstanceBuilder made(4, "0-3", "");
  made.online("0-3").use("0", "0").running(slots(1), 1, 1).drain("0");
  EXPECT_EQ(of(made).run, 1U);
  EXPECT_EQ(of(made).target, 1U);
}

TEST(Running, WhatLostRanksHeldIsKept) {
  InstanceBuilder made(4, "0-3", "");
  made.online("0-1").use("0-3", "0-3").running(whole_nodes(4), 4, 16);
  EXPECT_EQ(of(made).safe_min, 2U);
  EXPECT_EQ(of(made).run, 4U) << "its nodes are to come back";
}

TEST(Impossible, JobsAskForNothingAndAreCountedApart) {
  InstanceBuilder made(4, "0-3", "");
  made.online("0-3").pending(nodes(8, 1)).pending(slots(2));
  made.state().jobs[0].priority = 31;
  auto demand = of(made);
  EXPECT_EQ(demand.unsatisfiable, 1U);
  EXPECT_EQ(demand.queues.at(0).nodes, 1U) << "of the job that can start";
  EXPECT_EQ(demand.queues.at(0).cores, 2U);
  const auto backlog = backlog_by_queue(made, demand.impossible);
  EXPECT_EQ(backlog.at(0).eligible, 1U);
  EXPECT_EQ(backlog.at(0).widest_nodes, 1U);
  SizePolicy head;
  head.rule = SizeRule::head_of_line;
  EXPECT_EQ(compute_demand(made, head, from_unix(1.8e9)).head, 1U) << "it stands in nobody's way";
}

}  // namespace
}  // namespace fluxmetrics::sizing
