#include "instance/cost.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::instance {
namespace {

using namespace std::chrono_literals;
const MonoTime start = MonoTime{} + 1h;

TEST(PollBudget, PausesAHundredTimesAsLongAsAPollTakes) {
  PollBudget budget(20ms, 15s);
  EXPECT_TRUE(budget.may_run(start));
  budget.ran(start, start + 3ms);
  EXPECT_FALSE(budget.may_run(start + 302ms));
  EXPECT_TRUE(budget.may_run(start + 303ms));
  budget.ran(start, start + 3ms, 4);
  EXPECT_EQ(budget.next(), start + 1203ms);
}

TEST(PollBudget, KeepsItsBounds) {
  PollBudget budget(20ms, 15s);
  budget.ran(start, start);
  EXPECT_EQ(budget.next(), start + 20ms) << "never more often";
  budget.ran(start, start + 1s, 4);
  EXPECT_EQ(budget.next(), start + 16s) << "never beyond half of the staleness";
}

TEST(CostMeter, TellsTheShareOfTheTime) {
  CostMeter meter(start);
  MonoTime now = start;
  for (int i = 0; i < 300; ++i) {
    meter.ran(now, now + 5ms);
    now += 1s;
  }
  EXPECT_NEAR(meter.share(now), 0.005, 0.0002);
  EXPECT_LT(meter.share(now + 5min), 0.0001) << "it forgets";
}

TEST(CostMeter, StretchesPollsThatTakeTooMuchTogether) {
  CostMeter meter(start);
  MonoTime now = start;
  meter.ran(now, now + 50ms);
  EXPECT_DOUBLE_EQ(meter.stretch(now + 50ms), 1) << "the first questions are no measure";
  for (int i = 0; i < 300; ++i) {
    meter.ran(now, now + 8ms);
    now += 1s;
  }
  EXPECT_GT(meter.stretch(now), 2);
  EXPECT_LE(meter.stretch(now), 10);
}

}  // namespace
}  // namespace fluxmetrics::instance
