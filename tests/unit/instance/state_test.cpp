#include "instance/state.hpp"

#include <gtest/gtest.h>

#include "support/instance_builder.hpp"

namespace fluxmetrics::instance {
namespace {

using support::ids;
using support::InstanceBuilder;

TEST(InstanceStateTest, RanksThatAreDownInSeveralWaysCountOnce) {
  const InstanceState state = InstanceBuilder(6).online("0-4").drain("3-5").torpid("2-3").exclude("4");
  EXPECT_EQ(state.all_ranks(), ids("0-3,5"));
  EXPECT_EQ(state.down_ranks(), ids("2-3,5"));
  EXPECT_EQ(state.up_ranks(), ids("0-1"));
}

// An instance that found its resources by itself: resource.status goes on listing the lost rank as offline.
TEST(InstanceStateTest, RemovedRanksAreNeitherThereNorDown) {
  InstanceState state = InstanceBuilder(4).online("0-2");
  EXPECT_EQ(state.all_ranks(), ids("0-3"));
  EXPECT_EQ(state.down_ranks(), ids("3"));
  state.removed = ids("3");
  EXPECT_EQ(state.all_ranks(), ids("0-2"));
  EXPECT_TRUE(state.down_ranks().empty());
  EXPECT_EQ(state.up_ranks(), ids("0-2"));
  EXPECT_EQ(state.resources.ranks(), ids("0-3")) << "R itself stays as Flux tells it";
}

TEST(InstanceStateTest, ARemovedRankThatWasDrainedOrExcludedIsRemovedAllTheSame) {
  InstanceState state = InstanceBuilder(4).online("0-1").drain("2-3").exclude("3");
  state.removed = ids("2");
  EXPECT_EQ(state.all_ranks(), ids("0-1"));
  EXPECT_TRUE(state.down_ranks().empty());
  EXPECT_EQ(state.drained(), ids("2-3")) << "the drain is still there, as resource.status shows it";
}

TEST(InstanceStateTest, DrainsAreOursOnlyWhenNobodyElsesCoversTheRank) {
  InstanceState state =
      InstanceBuilder(6).online("0-5").drain("1-3", "flux-metrics-api: given back").drain("3-4");
  EXPECT_EQ(state.drained(), ids("1-4"));
  EXPECT_EQ(state.drained_by_us(), ids("1-2"));
}

}  // namespace
}  // namespace fluxmetrics::instance
