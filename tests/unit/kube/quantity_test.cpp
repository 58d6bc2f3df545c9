#include "kube/quantity.hpp"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <regex>
#include <set>

namespace fluxmetrics::kube {
namespace {

// What Go's parser and MilliValue made of a text (captured).
struct Parsed {
  std::string text;
  std::string error;
  std::int64_t milli = 0;
};

std::string unquoted(std::string text) {
  for (auto at = text.find("\\\""); at != std::string::npos; at = text.find("\\\"", at + 1))
    text.erase(at, 1);
  return text;
}

std::vector<std::string> lines_of_section(const std::string& wanted) {
  std::ifstream in(std::string(TEST_DATA) + "/k8s-captures/quantity.txt");
  std::vector<std::string> lines;
  std::string section = "parsing";
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("-- ")) {
      section = line.substr(3);
    } else if (section == wanted) {
      lines.push_back(line);
    }
  }
  return lines;
}

std::vector<Parsed> parsed_by_go() {
  static const std::regex good(R"re(^"(.*)" +json=.* milli=(-?\d+)$)re");
  static const std::regex bad(R"re(^"(.*)" +ERR (.*)$)re");
  std::vector<Parsed> rows;
  for (const auto& line : lines_of_section("parsing")) {
    std::smatch match;
    if (std::regex_match(line, match, bad)) {
      rows.push_back({.text = unquoted(match[1]), .error = match[2]});
    } else if (std::regex_match(line, match, good)) {
      rows.push_back({.text = unquoted(match[1]), .error = "", .milli = std::stoll(match[2])});
    } else {
      ADD_FAILURE() << "unknown line " << line;
    }
  }
  return rows;
}

TEST(Quantity, ReadsThousandthsAsAnHpaDoes) {
  // Rows where Go's arithmetic wraps around: we say so instead. And one where Go loses the sign of a tiny
  // number.
  const std::set<std::string> wraps = {"1E",
                                       "1Ei",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "-9223372036854775808",
                                       "99999999999999999999",
                                       "10E",
                                       "1e18",
                                       "1e19",
                                       "1e20",
                                       "1e400",
                                       "8Ei"};
  const std::map<std::string, std::int64_t> ours = {{"-0.0000000001", -1}};
  const auto rows = parsed_by_go();
  ASSERT_GT(rows.size(), 90U);
  for (const auto& row : rows) {
    const auto milli = parse_milli(row.text);
    if (wraps.contains(row.text)) {
      EXPECT_FALSE(milli) << row.text;
    } else if (!row.error.empty()) {
      ASSERT_FALSE(milli) << row.text;
      EXPECT_EQ(milli.error().code, Code::invalid);
      EXPECT_EQ(milli.error().message, row.error) << row.text;
    } else {
      ASSERT_TRUE(milli) << row.text << ": " << milli.error().message;
      EXPECT_EQ(*milli, ours.contains(row.text) ? ours.at(row.text) : row.milli) << row.text;
    }
  }
}

TEST(Quantity, WritesWhatGoWrites) {
  static const std::regex milli_row(R"re(^NewMilliQuantity\((-?\d+)\) +"(.*)" milli=.*$)re");
  static const std::regex whole_row(R"re(^NewQuantity\((-?\d+)(,DecimalSI)?\) +"(.*)" milli=.*$)re");
  int rows = 0;
  for (const auto& line : lines_of_section("constructors")) {
    std::smatch match;
    if (std::regex_match(line, match, milli_row)) {
      EXPECT_EQ(format_milli(std::stoll(match[1])), match[2]) << line;
      ++rows;
    } else if (std::regex_match(line, match, whole_row)) {
      EXPECT_EQ(format_milli(std::stoll(match[1]) * 1000), match[3]) << line;
      ++rows;
    }
  }
  EXPECT_GT(rows, 20);
  EXPECT_EQ(format_milli(std::numeric_limits<std::int64_t>::max()), "9223372036854775807m");
}

TEST(Quantity, WrittenValuesAreReadBack) {
  for (const double value : {0.0, -0.0, 1.0, 2.5, 0.001, 1.0 / 3, 12000.0, 1e6, 123456789.0, 9e15, -7.25}) {
    const auto text = format_quantity(value);
    ASSERT_TRUE(text);
    EXPECT_EQ(parse_milli(*text), static_cast<std::int64_t>(std::llround(value * 1000))) << *text;
  }
  EXPECT_EQ(format_quantity(4.0), "4");
  EXPECT_EQ(format_quantity(1.5), "1500m");
  EXPECT_EQ(format_quantity(123456789012345.0), "123456789012345");
  EXPECT_EQ(format_quantity(1000000.0), "1M");
  EXPECT_EQ(format_quantity(0.0001), "0");
  EXPECT_EQ(format_quantity(0.0006), "1m");
}

TEST(Quantity, NeverWritesWhatAnHpaWouldWrap) {
  EXPECT_EQ(format_quantity(1e18), "9P");
  EXPECT_EQ(format_quantity(-1e300), "-9P");
  EXPECT_EQ(parse_milli("9P"), 9'000'000'000'000'000'000);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const auto text = format_quantity(bad);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::internal);
  }
}

TEST(Quantity, WrapsAndVanishesWhereTheGoLibraryDoes) {
  struct Case {
    const char* text;
    std::int64_t milli;
  };
  // Rows are what Go's resource.MustParse(text).MilliValue() gives.
  for (const auto& [text, milli] : {Case{"0", 0},
                                    Case{"00", 0},
                                    Case{"0.0", 0},
                                    Case{"4", 4000},
                                    Case{"-4", -4000},
                                    Case{"010", 10000},
                                    Case{"1500m", 1500},
                                    Case{"1.5", 1500},
                                    Case{"1n", 1},
                                    Case{"-1n", -1},
                                    Case{"1.0001", 1001},
                                    Case{"100Mi", 104857600000},
                                    Case{"1.5Ki", 1536000},
                                    Case{"1e3", 1000000},
                                    Case{"0.0000000001", 1},
                                    Case{"9000000000000000", 9000000000000000000},
                                    Case{"9223372036854776", -9223372036854775616},
                                    Case{"10E", 0},
                                    Case{"12345678901234567890", 4807115922877858896},
                                    Case{"-12345678901234567890", -5097733592001},
                                    Case{"1.00000000000000000001", 1001},
                                    Case{"-1.00000000000000000001", -999},
                                    Case{"20P", 0},
                                    Case{"9300P", 0},
                                    Case{"1234567890123456789", -1363962815083169272},
                                    Case{"1000000Ei", -1000},
                                    Case{"7Ei", std::numeric_limits<std::int64_t>::min()},
                                    Case{"-0.5Ki", -512000},
                                    Case{"3.3Mi", 3460300800},
                                    Case{"0.1Ki", 102400},
                                    Case{"1234567890123456Ki", -8627821599540117504},
                                    Case{"1e17", 0},
                                    Case{"1e25", 0},
                                    Case{"99e9", 99000000000000},
                                    Case{"-1e-5", -1},
                                    Case{"1E5", 100000000},
                                    Case{"123456789012345678", -5670419503621183312}}) {
    EXPECT_EQ(parse_milli_wrapping(text), milli) << text;
  }
  EXPECT_FALSE(parse_milli_wrapping("four"));
  EXPECT_FALSE(parse_milli_wrapping("1e99999999"));
}

TEST(Quantity, FloatsAreDigitsTimesAPowerOfTen) {
  EXPECT_EQ(parse_approximate("0.7"), 700 * 0.001);
  EXPECT_NE(parse_approximate("0.7"), 0.7);
  EXPECT_EQ(parse_approximate("700m"), parse_approximate("0.70").value_or(-1));
  EXPECT_EQ(parse_approximate("0"), 0.0);
  EXPECT_EQ(parse_approximate("2"), 2.0);
  EXPECT_EQ(parse_approximate("1500"), 1500.0);
  EXPECT_EQ(parse_approximate("-0.5"), -500 * 0.001);
  EXPECT_EQ(parse_approximate("3.3M"), 3300.0 * 1000);
  EXPECT_FALSE(parse_approximate("x"));
}

}  // namespace
}  // namespace fluxmetrics::kube
