// The HPA that docs/sizing.md recommends: the size is the metric.
#include <algorithm>
#include <gtest/gtest.h>

#include "scaling/hpa_controller.hpp"

namespace fluxmetrics::scaling {
namespace {

std::int32_t decide(const HpaSpec& spec, std::int32_t size, std::int64_t metric_milli) {
  HpaObservation seen{.spec_replicas = size, .status_replicas = size, .selector = "a=b"};
  seen.object["node_wanted_count"] = metric_milli;
  return HpaController().sync(spec, seen, 0).replicas;
}

TEST(FollowWantedSize, LandsExactlyOnAMetricThatIsTheWantedSize) {
  const auto spec = follow_wanted_size(1, 64);
  for (std::int32_t size = 1; size <= 64; ++size) {
    for (std::int32_t wanted = 0; wanted <= 70; ++wanted) {
      EXPECT_EQ(decide(spec, size, std::int64_t{wanted} * 1000), std::clamp(wanted, 1, 64)) << size;
    }
  }
}

TEST(FollowWantedSize, DefaultToleranceSwallowsOneNodeInTen) {
  auto spec = follow_wanted_size(1, 64);
  EXPECT_EQ(decide(spec, 10, 11000), 11);
  spec.behavior->up.tolerance.reset();
  EXPECT_EQ(decide(spec, 10, 11000), 10) << "10 -> 11 is ignored";
  EXPECT_EQ(decide(spec, 10, 12000), 12);
}

TEST(FollowWantedSize, RoundsUp) {
  const auto spec = follow_wanted_size(1, 64);
  EXPECT_EQ(decide(spec, 2, 3001), 4);
  EXPECT_EQ(decide(spec, 2, 1), 1);
}

TEST(FollowWantedSize, WaitsBeforeItShrinksWhereItIsToldTo) {
  EXPECT_EQ(decide(follow_wanted_size(1, 64, 300), 8, 2000), 8);
  EXPECT_EQ(decide(follow_wanted_size(1, 64, 0), 8, 2000), 2);
}

}  // namespace
}  // namespace fluxmetrics::scaling
