#include "http/message.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::http {
namespace {

using Strings = std::vector<std::string>;

TEST(Message, FindsHeadersInAnyCase) {
  const Headers headers = {{"Accept", "a"}, {"Audit-Id", "1"}, {"audit-id", "2"}};
  EXPECT_EQ(find_header(headers, "AUDIT-ID"), "1");
  EXPECT_EQ(find_header(headers, "audit"), std::nullopt);
}

TEST(Message, DecodesBeforeItSplits) {
  const auto target = parse_target("/a/%2A/b%2Fc/%e2%82%ac/x+y");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (Strings{"a", "*", "b", "c", "\xe2\x82\xac", "x+y"}));
  EXPECT_EQ(target->path, "/a/*/b/c/\xe2\x82\xac/x+y");
  EXPECT_FALSE(target->empty_segment);
}

TEST(Message, DropsOneTrailingSlashAndNotesEmptySegments) {
  EXPECT_EQ(parse_target("/")->segments, Strings{});
  EXPECT_EQ(parse_target("/a/")->segments, Strings{"a"});
  EXPECT_FALSE(parse_target("/a/")->empty_segment);
  EXPECT_TRUE(parse_target("/a//b")->empty_segment);
  EXPECT_TRUE(parse_target("//")->empty_segment);
  EXPECT_TRUE(parse_target("/a//")->empty_segment);
  EXPECT_EQ(parse_target("/a%2f")->segments, Strings{"a"});
  EXPECT_TRUE(parse_target("/a/%2Fb")->empty_segment);
  EXPECT_EQ(parse_target("/a%252Fb")->segments, Strings{"a%2Fb"}) << "decoded once";
}

TEST(Message, DecodesTheQueryInOrder) {
  const auto target = parse_target("/p?s=a+in+%28b%2Cc%29&verbose&s=2&&e=#frag");
  ASSERT_TRUE(target);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"s", "a in (b,c)"}, {"verbose", ""}, {"s", "2"}, {"e", ""}};
  EXPECT_EQ(target->query, expected);
  EXPECT_EQ(target->query_value("s"), "a in (b,c)");
  EXPECT_EQ(target->query_value("verbose"), "");
  EXPECT_EQ(target->query_value("nope"), std::nullopt);
}

TEST(Message, RefusesWhatIsNotAPath) {
  for (const char* bad : {"", "*", "host:443", "a/b", "/%", "/%2", "/%zz", "/a?b=%4", "http://h/p"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

TEST(PercentDecoding, RefusesBrokenEscapes) {
  EXPECT_EQ(percent_decoded("a%2Fb%2a+c"), "a/b*+c");
  EXPECT_EQ(percent_decoded("a+%2B", Plus::is_space), "a +");
  EXPECT_EQ(percent_decoded(""), "");
  for (const char* broken : {"%", "%2", "%g0", "%0g", "x%", "%%41"})
    EXPECT_EQ(percent_decoded(broken), std::nullopt) << broken;
}

}  // namespace
}  // namespace fluxmetrics::http
