#include "base/json_text.hpp"

#include <gtest/gtest.h>
#include <limits>

#include <boost/json.hpp>

namespace fluxmetrics {
namespace {

namespace json = boost::json;

TEST(JsonText, WritesPlainDecimals) {
  EXPECT_EQ(json_text(json::array{1795370886.1753166, 10.0, 0.1, -2.5, 3}),
            "[1795370886.1753166,10,0.1,-2.5,3]");
}

TEST(JsonText, IsTheSameDocument) {
  const auto* text = R"({"a":[],"b":{},"c":[1,[true,null]],"d\"\n":"é","e":{"f":18446744073709551615}})";
  EXPECT_EQ(json_text(json::parse(text)), text);
  EXPECT_EQ(json::parse(json_text(json::array{0.1, 1e300, 1e-9})), (json::value{0.1, 1e300, 1e-9}));
}

TEST(JsonText, HasNoNumberThatJsonHasNot) {
  EXPECT_EQ(json_text(json::array{std::numeric_limits<double>::quiet_NaN(),
                                  std::numeric_limits<double>::infinity()}),
            "[null,null]");
}

}  // namespace
}  // namespace fluxmetrics
