#include "scaling/hpa.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::scaling {
namespace {

TEST(AverageValue, LandsExactlyOnAMetricThatIsTheWantedSize) {
  for (std::int64_t size = 1; size <= 64; ++size) {
    for (std::int64_t wanted = 0; wanted <= 64; ++wanted) {
      EXPECT_EQ(propose_average_value(wanted * 1000, 1000, size, 0.0), wanted);
    }
  }
}

TEST(AverageValue, DefaultToleranceSwallowsOneNodeInTen) {
  EXPECT_EQ(propose_average_value(11000, 1000, 10, 0.1), 10) << "10 -> 11 is ignored";
  EXPECT_EQ(propose_average_value(11000, 1000, 10, 0.0), 11);
  EXPECT_EQ(propose_average_value(12000, 1000, 10, 0.1), 12);
}

TEST(AverageValue, RoundsUp) {
  EXPECT_EQ(propose_average_value(3001, 1000, 2, 0.0), 4);
  EXPECT_EQ(propose_average_value(1, 1000, 2, 0.0), 1);
}

TEST(AverageValue, FromZeroHasNoTolerance) {
  EXPECT_EQ(propose_average_value(1000, 1000, 0, 0.1), 1);
}

}  // namespace
}  // namespace fluxmetrics::scaling
