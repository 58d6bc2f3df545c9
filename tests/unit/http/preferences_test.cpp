#include "http/preferences.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::http {
namespace {

TEST(Preferences, AreReadWithTheirParameters) {
  const auto all = parse_preferences(
      "application/openmetrics-text; version=1.0.0;q=0.75 , TEXT/plain;Version=\"0.0.4\",*/*;q=0.1");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].value, "application/openmetrics-text");
  EXPECT_EQ(all[0].parameter("version"), "1.0.0");
  EXPECT_DOUBLE_EQ(all[0].quality, 0.75);
  EXPECT_EQ(all[1].value, "text/plain");
  EXPECT_EQ(all[1].parameter("version"), "0.0.4");
  EXPECT_DOUBLE_EQ(all[1].quality, 1);
  EXPECT_DOUBLE_EQ(all[2].quality, 0.1);
  EXPECT_EQ(all[2].parameter("version"), "");
}

TEST(Preferences, OfNonsenseAreNone) {
  EXPECT_TRUE(parse_preferences("").empty());
  EXPECT_TRUE(parse_preferences(" , ;;, ").empty());
  for (const auto* text : {"gzip;q=two", "gzip;q=", "gzip;q=-1", "gzip;q=1.5", "gzip;q=nan", "gzip;q=0"})
    EXPECT_EQ(quality_of(parse_preferences(text), "gzip"), 0) << text;
}

TEST(Preferences, TheOwnElementBeatsTheStar) {
  EXPECT_EQ(quality_of(parse_preferences("*;q=0.5, gzip;q=0"), "gzip"), 0);
  EXPECT_EQ(quality_of(parse_preferences("*;q=0.5, br"), "gzip"), 0.5);
  EXPECT_EQ(quality_of(parse_preferences("br, deflate"), "gzip"), 0);
  EXPECT_EQ(quality_of(parse_preferences("deflate, gzip"), "gzip"), 1);
}

}  // namespace
}  // namespace fluxmetrics::http
