#include "base/pauses.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics {
namespace {

TEST(Pauses, GrowToTheLongestAndStartAgain) {
  Pauses pauses({.first = Seconds(0.5), .longest = Seconds(3), .growth = 2, .jitter = 0});
  for (const double wanted : {0.5, 1.0, 2.0, 3.0, 3.0})
    EXPECT_DOUBLE_EQ(pauses.next().count(), wanted);
  pauses.start_again();
  EXPECT_DOUBLE_EQ(pauses.next().count(), 0.5);
}

TEST(Pauses, AreLongerByChanceWithoutGrowingByIt) {
  double chance = 0.5;
  Pauses pauses({.first = Seconds(1), .longest = Seconds(2), .growth = 2, .jitter = 0.2},
                [&chance] { return chance; });
  EXPECT_DOUBLE_EQ(pauses.next().count(), 1.1);
  chance = 0;
  EXPECT_DOUBLE_EQ(pauses.next().count(), 2);
  chance = 1;
  EXPECT_DOUBLE_EQ(pauses.next().count(), 2.4);
}

TEST(Pauses, HaveChancesOfTheirOwn) {
  const double one = any_chance();
  EXPECT_GE(one, 0);
  EXPECT_LT(one, 1);
  EXPECT_FALSE(one == any_chance() && one == any_chance());
}

}  // namespace
}  // namespace fluxmetrics
