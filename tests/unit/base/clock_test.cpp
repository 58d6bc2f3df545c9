#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics {
namespace {

TEST(Duration, AcceptsGoUnitsAndBareSeconds) {
  EXPECT_DOUBLE_EQ(parse_duration("60s")->count(), 60);
  EXPECT_DOUBLE_EQ(parse_duration("250ms")->count(), 0.25);
  EXPECT_DOUBLE_EQ(parse_duration("1h30m")->count(), 5400);
  EXPECT_DOUBLE_EQ(parse_duration("1.5m")->count(), 90);
  EXPECT_DOUBLE_EQ(parse_duration("0")->count(), 0);
  EXPECT_DOUBLE_EQ(parse_duration("0s")->count(), 0);
  EXPECT_DOUBLE_EQ(parse_duration("2.5")->count(), 2.5);
}

TEST(Duration, RefusesWhatIsNoDuration) {
  for (const auto* text :
       {"", "s", "-1s", "1x", "1s2", "1e3", "nan", "inf", "1 s", "99999999999999h", "999999999999"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::invalid);
    EXPECT_NE(parsed.error().message.find("60s"), std::string::npos) << "the sentence shows the right form";
  }
}

TEST(Time, IsUtcWithWholeSeconds) {
  EXPECT_EQ(format_rfc3339(from_unix(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(from_unix(1795320062.99)), "2026-11-22T04:01:02Z");
}

TEST(Time, HoldsWhatIsTooFarAway) {
  EXPECT_EQ(format_rfc3339(from_unix(-1e300)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(from_unix(1e300)), "2255-03-14T16:00:00Z");
}

TEST(Time, RoundTripsUnixSecondsToTheMicrosecond) {
  EXPECT_NEAR(to_unix(from_unix(1795320062.5358007)), 1795320062.5358007, 1e-6);
}

}  // namespace
}  // namespace fluxmetrics
