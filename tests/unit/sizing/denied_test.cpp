#include "sizing/denied.hpp"

#include <gtest/gtest.h>

#include "sizing/demand.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

using support::InstanceBuilder;
using support::nodes;
constexpr double now = 1'800'000'000;

InstanceBuilder denied_job(const flux::Shape& shape, double ago,
                           InstanceBuilder instance = InstanceBuilder(6)) {
  auto& state = instance.online("0-1").state();
  state.shapes.push_back(shape);
  state.denied.push_back({.id = 100 + static_cast<flux::JobId>(state.denied.size()),
                          .shape = static_cast<std::uint32_t>(state.shapes.size() - 1),
                          .t_denied = now - ago});
  return instance;
}

Demand demand_of(const instance::InstanceState& state, Seconds count_denied, double at = now) {
  SizePolicy policy;
  policy.count_denied = count_denied;
  return compute_demand(state, policy, from_unix(at));
}

TEST(Denied, CountsForTenMinutesAndAsksForNothing) {
  const instance::InstanceState state = denied_job(nodes(4, 1), 30);
  const auto demand = demand_of(state, Seconds(0));
  EXPECT_EQ(demand.denied, 1U);
  EXPECT_EQ(demand.denied_wide, 0U);
  EXPECT_EQ(demand.target, 0U) << "off by default";
  EXPECT_EQ(demand_of(state, Seconds(0), now + 571).denied, 0U) << "lately is ten minutes";
}

TEST(Denied, AsksForTheWidestAsLongAsItIsToldTo) {
  const instance::InstanceState state = denied_job(nodes(3, 1), 10, denied_job(nodes(4, 1), 30));
  const auto demand = demand_of(state, Seconds(60));
  EXPECT_EQ(demand.denied, 2U);
  EXPECT_EQ(demand.denied_wide, 4U);
  EXPECT_EQ(demand.target, 4U);
  EXPECT_EQ(demand.wanted_all, 1U) << "it is no demand of the queue";
  // Time alone makes it smaller again.
  SizePolicy policy;
  policy.count_denied = Seconds(60);
  const auto later = at_time(demand, state, policy, from_unix(now + 31));
  EXPECT_EQ(later.denied, 1U);
  EXPECT_EQ(later.target, 3U);
  EXPECT_EQ(at_time(later, state, policy, from_unix(now + 51)).target, 0U);
}

TEST(Denied, WhatTheFullSizeDoesNotHoldIsNoMatterOfSize) {
  // As sched-simple denies.
  EXPECT_EQ(demand_of(denied_job(nodes(7, 1), 1), Seconds(60)).denied, 0U);
  EXPECT_EQ(demand_of(denied_job(nodes(4, 9), 1), Seconds(60)).denied, 0U);
  SizePolicy policy;
  policy.count_denied = Seconds(60);
  policy.max_replicas = 3;
  EXPECT_EQ(compute_demand(denied_job(nodes(4, 1), 1), policy, from_unix(now)).denied, 0U);
  // A rank that somebody drained does not come back by itself.
  EXPECT_EQ(demand_of(denied_job(nodes(6, 1), 1).drain("5"), Seconds(60)).denied, 0U);
}

TEST(Denied, RanksThatAreBusyAreNoObstacle) {
  const auto busy = denied_job(nodes(4, 8), 1).use("0-1", "0-7").running(nodes(2, 8), 2, 16);
  EXPECT_EQ(demand_of(busy, Seconds(60)).target, 4U);
}

}  // namespace
}  // namespace fluxmetrics::sizing
