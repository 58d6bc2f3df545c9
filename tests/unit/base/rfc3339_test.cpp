#include "base/rfc3339.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics {
namespace {

TEST(Rfc3339, IsReadAsKubernetesWritesIt) {
  for (const auto* text : {"1970-01-01T00:00:00Z", "2026-11-22T04:01:02Z", "2028-02-29T23:59:59Z"})
    EXPECT_EQ(format_rfc3339(parse_rfc3339(text).value()), text);
  EXPECT_DOUBLE_EQ(to_unix(*parse_rfc3339("1970-01-01T00:00:10.250000Z")), 10.25);
  EXPECT_DOUBLE_EQ(to_unix(*parse_rfc3339("1970-01-01T01:30:00+01:00")), 1800);
  EXPECT_DOUBLE_EQ(to_unix(*parse_rfc3339("1970-01-01T00:00:00-00:30")), 1800);
  for (const auto* text :
       {"", "Z", "2026-11-22", "2026-11-22T04:01:02", "2026-13-22T04:01:02Z", "2026-02-30T04:01:02Z",
        "2026-11-22 04:01:02Z", "2026-11-22T24:01:02Z", "2026-11-22T04:01:02.xZ", "2026-11-22T04:01:02+1:00",
        "2026-11-22T04:01:02ZZ", "now"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace fluxmetrics
