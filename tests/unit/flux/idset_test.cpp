#include "flux/idset.hpp"

#include <gtest/gtest.h>
#include <random>
#include <set>

namespace fluxmetrics::flux {
namespace {

constexpr IdSet::Id max_id = 4294967294U;

IdSet parsed(std::string_view text) {
  auto set = IdSet::parse(text);
  EXPECT_TRUE(set) << text;
  return set.value_or(IdSet{});
}

TEST(IdSet, reads_and_writes_rfc22) {
  EXPECT_EQ(parsed("").to_string(), "");
  EXPECT_EQ(parsed("[]").to_string(), "");
  EXPECT_EQ(parsed("0").to_string(), "0");
  EXPECT_EQ(parsed("1-3,7").to_string(), "1-3,7");
  EXPECT_EQ(parsed("[1-2]").to_string(), "1-2");
  EXPECT_EQ(parsed("0-1,2,3-5").to_string(), "0-5");
  EXPECT_EQ(parsed("5-5").to_string(), "5");
  EXPECT_EQ(parsed("0-4294967294").size(), 4294967295U);
}

TEST(IdSet, refuses_what_is_no_idset) {
  const std::vector<std::string> bad{"0-4294967295",
                                     "4294967295",
                                     "99999999999999999999",
                                     "5-2",
                                     "01",
                                     "1-02",
                                     "-1",
                                     "1-",
                                     "-",
                                     "1,",
                                     ",1",
                                     "1,,2",
                                     "a",
                                     "1 ",
                                     " 1",
                                     "[1",
                                     "1]",
                                     "[",
                                     "]",
                                     "[[1]]",
                                     "+1",
                                     "1,1",
                                     "3,1",
                                     "1-3,2",
                                     "0x1",
                                     "1.0",
                                     "1-2-3",
                                     "[1]2"};
  for (const auto& text : bad) {
    const auto set = IdSet::parse(text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().code, Code::invalid);
    EXPECT_NE(set.error().message.find(text), std::string::npos) << set.error().message;
  }
}

TEST(IdSet, knows_its_members) {
  const IdSet set = parsed("1-3,7");
  EXPECT_EQ(set.size(), 4U);
  EXPECT_EQ(set.first(), 1U);
  EXPECT_EQ(set.last(), 7U);
  EXPECT_FALSE(set.contains(0));
  EXPECT_TRUE(set.contains(1));
  EXPECT_TRUE(set.contains(3));
  EXPECT_FALSE(set.contains(4));
  EXPECT_TRUE(set.contains(7));
  EXPECT_FALSE(set.contains(8));
  EXPECT_EQ(std::vector<IdSet::Id>(set.begin(), set.end()), (std::vector<IdSet::Id>{1, 2, 3, 7}));
  EXPECT_EQ(IdSet{}.first(), std::nullopt);
  EXPECT_EQ(IdSet{}.begin(), IdSet{}.end());
}

TEST(IdSet, works_at_the_ends_of_the_id_range) {
  IdSet set = IdSet::range(max_id - 1, max_id);
  set.insert(0);
  EXPECT_EQ(set.to_string(), "0,4294967293-4294967294");
  std::size_t visited = 0;
  for (const auto id : set)
    visited += id <= max_id ? 1U : 0U;
  EXPECT_EQ(visited, 3U);
  const IdSet all = IdSet::range(0, max_id);
  EXPECT_EQ((all - set).to_string(), "1-4294967292");
  EXPECT_EQ(all | set, all);
  set.erase(max_id);
  set.erase(0);
  EXPECT_EQ(set.to_string(), "4294967293");
  EXPECT_TRUE(IdSet::range(3, 2).empty());
}

TEST(IdSet, compares_by_members) {
  EXPECT_EQ(parsed("0-1,2"), parsed("0-2"));
  EXPECT_LT(parsed("0"), parsed("1"));
  EXPECT_NE(parsed(""), parsed("0"));
}

// Every operation against std::set, over many small random sets.
class IdSetModel : public testing::TestWithParam<unsigned> {};

TEST_P(IdSetModel, agrees_with_a_plain_set) {
  std::mt19937 random(GetParam());
  std::uniform_int_distribution<IdSet::Id> id(0, 40);
  IdSet a;
  IdSet b;
  std::set<IdSet::Id> model_a;
  std::set<IdSet::Id> model_b;
  for (int step = 0; step < 60; ++step) {
    const auto one = id(random);
    const auto other = id(random);
    switch (id(random) % 5) {
      case 0:
        a.insert(one), model_a.insert(one);
        break;
      case 1:
        b.insert(one), model_b.insert(one);
        break;
      case 2:
        a.erase(one), model_a.erase(one);
        break;
      case 3:
        b.erase(one), model_b.erase(one);
        break;
      default:
        a.insert({one, other});
        for (auto i = one; i <= other; ++i)
          model_a.insert(i);
    }
    const auto expect = [](const IdSet& set, const std::set<IdSet::Id>& model) {
      ASSERT_EQ(std::set<IdSet::Id>(set.begin(), set.end()), model) << set.to_string();
      ASSERT_EQ(set.size(), model.size());
      for (IdSet::Id i = 0; i <= 42; ++i)
        ASSERT_EQ(set.contains(i), model.contains(i));
      const auto again = IdSet::parse(set.to_string());
      ASSERT_TRUE(again);
      ASSERT_EQ(*again, set);
      for (std::size_t r = 1; r < set.ranges().size(); ++r) {
        ASSERT_GT(set.ranges()[r].first, set.ranges()[r - 1].last + 1) << "touching ranges";
      }
    };
    std::set<IdSet::Id> both = model_a;
    both.insert(model_b.begin(), model_b.end());
    std::set<IdSet::Id> shared;
    std::set<IdSet::Id> rest;
    for (const auto i : model_a)
      (model_b.contains(i) ? shared : rest).insert(i);
    expect(a, model_a);
    expect(a | b, both);
    expect(a & b, shared);
    expect(a - b, rest);
    std::vector<IdSet::Range> ranges = b.ranges();
    ranges.insert(ranges.end(), a.ranges().begin(), a.ranges().end());
    expect(IdSet::from_ranges(ranges), both);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, IdSetModel, testing::Range(1U, 21U));

TEST(IdSet, SentencesStayShortAndClean) {
  const auto junk = IdSet::parse("1," + std::string(1U << 20U, '7') + "\n\x1b[31m");
  ASSERT_FALSE(junk);
  EXPECT_LT(junk.error().message.size(), 300U);
  EXPECT_EQ(junk.error().message.find('\n'), std::string::npos);
  EXPECT_EQ(junk.error().message.find('\x1b'), std::string::npos);
}

TEST(IdSet, RangesAreBounded) {
  std::string text = "0";
  for (int id = 2; id < 300'000; id += 2)
    text += fmt::format(",{}", id);
  const auto set = IdSet::parse(text);
  ASSERT_FALSE(set);
  EXPECT_NE(set.error().message.find("more than 131072 ranges"), std::string::npos) << set.error().message;
}

}  // namespace
}  // namespace fluxmetrics::flux
