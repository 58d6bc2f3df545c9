#include "instance/allocation_bridge.hpp"

#include <chrono>
#include <gtest/gtest.h>

#include "support/instance_builder.hpp"

namespace fluxmetrics::instance {
namespace {

using flux::Amount;
using support::ids;

flux::ResourceSet on(std::string_view ranks, std::string_view cores, std::string_view gpus = "") {
  flux::ResourceSet set;
  set.entries.push_back({.ranks = ids(ranks), .cores = ids(cores), .gpus = ids(gpus)});
  return set;
}
MonoTime second(int number) {
  return MonoTime(std::chrono::seconds(number));
}

TEST(AllocationBridgeTest, AddsWhatTheJournalTold) {
  AllocationBridge bridge;
  const auto known = on("0-3", "0-1");
  EXPECT_EQ(bridge.over(known), known);
  bridge.allocated(1, on("2-5", "2-3", "0"), second(10));
  const auto all = bridge.over(known);
  EXPECT_EQ(all.ranks(), ids("0-5"));
  EXPECT_EQ(all.on_rank(1), (Amount{.cores = 2, .gpus = 0}));
  EXPECT_EQ(all.on_rank(2), (Amount{.cores = 4, .gpus = 1}));
  EXPECT_EQ(all.on_rank(5), (Amount{.cores = 2, .gpus = 1}));
  EXPECT_EQ(all.total(), (Amount{.cores = 16, .gpus = 4}));
}

TEST(AllocationBridgeTest, ForgetsWhatTheBrokerKnowsWhenItIsAsked) {
  AllocationBridge bridge;
  bridge.allocated(1, on("0", "0"), second(10));
  bridge.allocated(2, on("1", "0"), second(12));
  bridge.caught_up(second(9));
  EXPECT_EQ(bridge.over({}).ranks(), ids("0-1"));
  bridge.caught_up(second(11));
  EXPECT_EQ(bridge.over({}).ranks(), ids("1"));
  bridge.freed(2);
  EXPECT_TRUE(bridge.over({}).empty());
}

TEST(AllocationBridgeTest, ACoreThatBothTellIsOneCore) {
  AllocationBridge bridge;
  bridge.allocated(1, on("0-1", "0-3"), second(1));
  bridge.allocated(2, on("1", "3-4"), second(1));
  EXPECT_EQ(bridge.over(on("1", "4-5")).on_rank(1).cores, 6U);
  EXPECT_EQ(bridge.over(on("1", "4-5")).on_rank(0).cores, 4U);
}

}  // namespace
}  // namespace fluxmetrics::instance
