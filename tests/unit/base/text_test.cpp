#include "base/text.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace fluxmetrics {
namespace {

TEST(Text, PlainTextStays) {
  EXPECT_EQ(printable("a broker's text, 100 %"), "a broker's text, 100 %");
  EXPECT_EQ(printable(""), "");
  EXPECT_TRUE(is_plain("abc", 3));
  EXPECT_FALSE(is_plain("abcd", 3));
  EXPECT_FALSE(is_plain("a\tb", 10));
}

TEST(Text, NothingSteersATerminalOrForgesALine) {
  EXPECT_EQ(printable("a\nb\r\x1b[31m\x7f"), "a b  [31m ");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            " 31m")
      << "C1: the eight-bit escape";
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a b");
}

TEST(Text, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(printable("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82"), "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82");
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(printable("\xff"), r);
  EXPECT_EQ(printable("\xc0\xaf"), r + r) << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), r + r + r) << "a surrogate";
  EXPECT_EQ(printable("\xe2\x82"), r + r) << "cut off";
}

TEST(Text, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("ab\xe2\x82\xac", 4), "ab...");
  EXPECT_EQ(printable("abc", 3), "abc");
}

TEST(Case, IsThatOfAsciiLettersOnly) {
  EXPECT_EQ(lowered(std::string_view("X-Remote-USER: \xc3\x84@[`{")), "x-remote-user: \xc3\x84@[`{");
  EXPECT_EQ(lowered('Z'), 'z');
  EXPECT_EQ(lowered('['), '[');
  EXPECT_TRUE(same_ignoring_case("Accept", "aCCEPT"));
  EXPECT_FALSE(same_ignoring_case("Accept", "Accept "));
  EXPECT_FALSE(same_ignoring_case("[", "{"));
  EXPECT_TRUE(starts_ignoring_case("Impersonate-User", "imPERSONATE-"));
  EXPECT_FALSE(starts_ignoring_case("Imp", "Impersonate-"));
}

TEST(HexDigit, HasBothCases) {
  EXPECT_EQ(hex_digit('0'), 0U);
  EXPECT_EQ(hex_digit('9'), 9U);
  EXPECT_EQ(hex_digit('a'), 10U);
  EXPECT_EQ(hex_digit('F'), 15U);
  for (const char c : {'g', 'G', '/', ':', '@', '`', ' '})
    EXPECT_EQ(hex_digit(c), std::nullopt) << c;
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> names{"node_up_count", "node_wanted_count", "start", "get"};
  EXPECT_EQ(nearest("node_up_cuont", names), "node_up_count");
  EXPECT_EQ(nearest("node_up", names), "");
  EXPECT_EQ(nearest("strat", names), "start");
  EXPECT_EQ(nearest("Start", names), "start") << "in another case";
  EXPECT_EQ(nearest("gte", names), "get");
  EXPECT_EQ(nearest("xyz", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest("get", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), names), "") << "and soon";
}

}  // namespace
}  // namespace fluxmetrics
