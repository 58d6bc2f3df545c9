#include "base/text.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace fluxmetrics
