#include "flux/hostlist.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::flux {
namespace {

using Names = std::vector<std::string>;

Names expanded(std::string_view text) {
  auto names = expand_hostlist(text);
  EXPECT_TRUE(names) << text;
  return names.value_or(Names{});
}

TEST(Hostlist, expands_in_order) {
  EXPECT_EQ(expanded(""), Names{});
  EXPECT_EQ(expanded("vm"), Names{"vm"});
  EXPECT_EQ(expanded("vm,vm,vm"), (Names{"vm", "vm", "vm"}));
  EXPECT_EQ(expanded("flux-sample-[0-3]"),
            (Names{"flux-sample-0", "flux-sample-1", "flux-sample-2", "flux-sample-3"}));
  EXPECT_EQ(expanded("n[08-10]"), (Names{"n08", "n09", "n10"}));
  EXPECT_EQ(expanded("n[8-10]"), (Names{"n8", "n9", "n10"}));
  EXPECT_EQ(expanded("b[2,1]x,a"), (Names{"b2x", "b1x", "a"}));
  EXPECT_EQ(expanded("[1-2]"), (Names{"1", "2"}));
}

// Each as `flux hostlist --expand` of flux-core 0.88 prints it.
TEST(Hostlist, splits_at_commas_blanks_and_tabs) {
  for (const char* text : {"h-2,h-3", "h-2, h-3", "h-2 h-3", "h-2\th-3", " h-2 ,\t, h-3 ", ",h-2,,h-3,",
                           "h-[2-3]", "h-[2-3],", ",h-[2-3]", "\th-[2-3] "})
    EXPECT_EQ(expanded(text), (Names{"h-2", "h-3"})) << text;
  for (const char* text : {",", " ", "\t", ", ,\t,"})
    EXPECT_EQ(expanded(text), Names{}) << text;
}

TEST(Hostlist, reads_brackets_as_flux_does) {
  EXPECT_EQ(expanded("h[1, 2]"), (Names{"h1", "h02"}));
  EXPECT_EQ(expanded("h[ 1-2]"), (Names{"h01", "h02"}));
  EXPECT_EQ(expanded("h[1 -2]"), (Names{"h01", "h02"}));
  EXPECT_EQ(expanded("h[1- 2]"), (Names{"h1", "h2"}));
  EXPECT_EQ(expanded("h[3-]"), Names{"h3"});
  EXPECT_EQ(expanded("h[+1]"), Names{"h01"});
  EXPECT_EQ(expanded("a[1-2]b[3-4] c"), (Names{"a1b[3-4]", "a2b[3-4]", "c"}));
  EXPECT_EQ(expanded("n[1-2]]"), (Names{"n1]", "n2]"}));
}

TEST(Hostlist, refuses_what_is_no_hostlist) {
  for (const char* text :
       {"n[", "n]", "n[1", "n[1-2 b", "n]b", "n[[1]]", "n[]", "n[a]", "n[2-1]", "n[-1]", "n[1,]", "n[,1]",
        "n[1 ]", "n[1-2 ]", "n[1--2]", "n[1x]", "n[1-2x]", "n[9999999999999999999]"}) {
    const auto names = expand_hostlist(text);
    ASSERT_FALSE(names) << text;
    EXPECT_EQ(names.error().code, Code::invalid);
  }
}

TEST(Hostlist, refuses_bombs) {
  EXPECT_FALSE(expand_hostlist("n[0-999999999999]"));
  EXPECT_FALSE(expand_hostlist("n[0-9]", 9));
  EXPECT_TRUE(expand_hostlist("n[0-9]", 10));
  EXPECT_FALSE(expand_hostlist("a,b,c", 2));
  // Long names times many numbers: the sum of the bytes is bounded too.
  EXPECT_FALSE(expand_hostlist(std::string(240, 'x') + "[0-1000000]"));
  EXPECT_FALSE(expand_hostlist(std::string(300, 'x')));
  std::string many = "n[0-900]";
  for (int i = 0; i < 100; ++i)
    many += ",n[0-900]";
  const auto names = expand_hostlist(many, 1000);
  ASSERT_FALSE(names);
  EXPECT_LT(names.error().message.size(), 400U);
}

TEST(Hostlist, compresses) {
  EXPECT_EQ(compress_hostlist(Names{}), "");
  EXPECT_EQ(compress_hostlist(Names{"vm", "vm"}), "vm,vm");
  EXPECT_EQ(compress_hostlist(Names{"n0", "n1", "n2", "n5"}), "n[0-2,5]");
  EXPECT_EQ(compress_hostlist(Names{"n08", "n09", "n10"}), "n[08-10]");
  EXPECT_EQ(compress_hostlist(Names{"n9", "n10"}), "n[9-10]");
  EXPECT_EQ(compress_hostlist(Names{"n9", "n010"}), "n[9,010]");
  EXPECT_EQ(compress_hostlist(Names{"n3"}), "n3");
  EXPECT_EQ(compress_hostlist(Names{"n1", "m2", "login"}), "n1,m2,login");
  EXPECT_EQ(compress_hostlist(Names{"n2", "n1"}), "n2,n1");
}

TEST(Hostlist, compressing_loses_nothing) {
  const Names names{"n01", "n02",  "n03",  "n3",    "n4", "n4", "n", "x-7",
                    "x-8", "x-09", "x-10", "x-100", "0",  "1",  "00"};
  EXPECT_EQ(expanded(compress_hostlist(names)), names);
}

}  // namespace
}  // namespace fluxmetrics::flux
