#include "instance/module_follower.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::instance {
namespace {

using namespace std::chrono_literals;
const Now now{.wall = from_unix(1700000000), .mono = MonoTime{} + 48h};

TEST(ModuleFollower, AgesWhatLayUnread) {
  const auto at = confirmed_at(now.wall - 7s, now);
  EXPECT_EQ(at.wall, now.wall - 7s);
  EXPECT_EQ(at.mono, now.mono - 7s);
}

TEST(ModuleFollower, KnowsNothingOfTheFuture) {
  const auto at = confirmed_at(now.wall + 7s, now);
  EXPECT_EQ(at.wall, now.wall);
  EXPECT_EQ(at.mono, now.mono);
}

TEST(ModuleFollower, AgesNothingBeyondADay) {
  EXPECT_EQ(confirmed_at(now.wall - 100h, now).mono, now.mono - 24h);
}

}  // namespace
}  // namespace fluxmetrics::instance
