#include "metrics/watch.hpp"

#include <gtest/gtest.h>

#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

using std::chrono::seconds;
using support::InstanceBuilder;

MonoTime at(int second) {
  return MonoTime(seconds(1000 + second));
}

instance::InstanceState finished(std::int64_t jobs, std::int64_t purged = 0) {
  instance::InstanceState state = InstanceBuilder(4).online("0-1");
  state.stats.all.states.inactive = jobs;
  state.stats.all.inactive_purged = purged;
  return state;
}

TEST(Watch, TellsNoRateBeforeItHasLookedForAWhile) {
  Watch watch;
  EXPECT_FALSE(watch.update(finished(0), 1, at(0))->finished_per_second);
  EXPECT_EQ(watch.update(finished(0), 1, at(0))->arrivals->count(), 0U);
  EXPECT_FALSE(watch.update(finished(50), 1, at(9))->finished_per_second);
  const auto rate = watch.update(finished(50), 1, at(10))->finished_per_second;
  ASSERT_TRUE(rate);
  EXPECT_DOUBLE_EQ(rate->at(0), 5);
}

TEST(Watch, ForgetsWhatIsOlderThanItsWindow) {
  Watch watch;
  for (int second = 0; second <= 30; ++second)
    (void)watch.update(finished(second * 10), 1, at(second));
  std::optional<std::vector<double>> rate;
  for (int second = 31; second <= 91; ++second)
    rate = watch.update(finished(300), 1, at(second))->finished_per_second;
  ASSERT_TRUE(rate);
  EXPECT_DOUBLE_EQ(rate->at(0), 0) << "the last job ended more than a minute ago";
}

TEST(Watch, APurgeEndsNoJob) {
  Watch watch;
  (void)watch.update(finished(100), 1, at(0));
  EXPECT_DOUBLE_EQ(watch.update(finished(0, 100), 1, at(20))->finished_per_second->at(0), 0);
}

TEST(Watch, BeginsAnewWithAnotherInstance) {
  Watch watch;
  (void)watch.update(finished(100), 1, at(0));
  auto other = finished(1000);
  other.started = "later";
  EXPECT_FALSE(watch.update(other, 1, at(20))->finished_per_second);
  EXPECT_FALSE(watch.update(finished(7), 1, at(25))->finished_per_second);
}

TEST(Watch, MeasuresNodesFromTheWishToTheArrival) {
  Watch watch;
  const instance::InstanceState two = InstanceBuilder(8).online("0-1");
  const instance::InstanceState four = InstanceBuilder(8).online("0-3");
  (void)watch.update(two, 2, at(0));
  (void)watch.update(two, 5, at(10));
  EXPECT_FALSE(watch.update(two, 5, at(20))->last_arrival);
  const auto seen = watch.update(four, 5, at(42));
  EXPECT_EQ(seen->last_arrival, 32.0);
  EXPECT_EQ(seen->arrivals->count(), 2U);
  EXPECT_DOUBLE_EQ(seen->arrivals->sum(), 64);
  EXPECT_EQ(watch.update(four, 5, at(50)), seen) << "nothing changed: the same values";
}

TEST(Watch, DoesNotGuessHowLongNodesWereAwaitedBefore) {
  Watch watch;
  (void)watch.update(InstanceBuilder(8).online("0-1"), 4, at(0));
  const auto seen = watch.update(InstanceBuilder(8).online("0-3"), 4, at(30));
  EXPECT_FALSE(seen->last_arrival);
  EXPECT_EQ(seen->arrivals->count(), 0U);
}

TEST(Watch, ForgetsNodesThatNobodyWantsAnyMore) {
  Watch watch;
  const instance::InstanceState two = InstanceBuilder(8).online("0-1");
  (void)watch.update(two, 2, at(0));
  (void)watch.update(two, 4, at(10));
  (void)watch.update(two, 2, at(20));
  EXPECT_FALSE(watch.update(InstanceBuilder(8).online("0-3"), 2, at(30))->last_arrival);
}

}  // namespace
}  // namespace fluxmetrics::metrics
