#include "flux/resource_set.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace fluxmetrics::flux {
namespace {

Result<ResourceSet> parse(std::string_view text) {
  return ResourceSet::from_json(boost::json::parse(text));
}

ResourceSet parsed(std::string_view text) {
  auto set = parse(text);
  EXPECT_TRUE(set) << (set ? "" : set.error().message);
  return set.value_or(ResourceSet{});
}

constexpr std::string_view mixed = R"({"version":1,"execution":{"R_lite":[
  {"rank":"0-1,3","children":{"core":"0-7","gpu":"0-1"}},{"rank":"2","children":{"core":"1,3"}}],
  "nodelist":["a[0-1]","b,c"],"starttime":0.0,"expiration":12.5,"nslots":3,"properties":{"batch":"0-1"}},
  "scheduling":{"graph":{"nodes":[]}}})";

TEST(ResourceSet, counts_by_rank) {
  const ResourceSet set = parsed(mixed);
  EXPECT_EQ(set.ranks().to_string(), "0-3");
  EXPECT_EQ(set.total(), (Amount{.cores = 26, .gpus = 6}));
  EXPECT_EQ(set.on_rank(2), (Amount{.cores = 2, .gpus = 0}));
  EXPECT_EQ(set.on_rank(9), Amount{});
  EXPECT_EQ(set.total_of(IdSet{1, 2, 7}), (Amount{.cores = 10, .gpus = 2}));
  EXPECT_EQ(set.entry_of(3), &set.entries.front());
  EXPECT_EQ(set.entry_of(4), nullptr);
  EXPECT_EQ(set.expiration, 12.5);
  EXPECT_EQ(set.nslots, 3U);
  EXPECT_EQ(set.properties.at("batch").to_string(), "0-1");
}

TEST(ResourceSet, names_hosts_by_ascending_rank_over_all_entries) {
  const auto hosts = parsed(mixed).hosts();
  ASSERT_TRUE(hosts);
  EXPECT_EQ(*hosts, (std::map<IdSet::Id, std::string>{{0, "a0"}, {1, "a1"}, {2, "b"}, {3, "c"}}));
}

TEST(ResourceSet, hosts_may_repeat_be_absent_or_be_wrong) {
  const auto repeated = parsed(R"({"version":1,"execution":{"R_lite":[{"rank":"0-1","children":{"core":"0"}}],
                                   "nodelist":["vm,vm"]}})")
                            .hosts();
  ASSERT_TRUE(repeated);
  EXPECT_EQ(repeated->at(1), "vm");
  EXPECT_TRUE(parsed(R"({"version":1,"execution":{"R_lite":[]}})").hosts()->empty());
  EXPECT_TRUE(parsed(R"({"version":1,"execution":{"R_lite":[],"nodelist":[""]}})").hosts()->empty());
  const auto short_list =
      parsed(R"({"version":1,"execution":{"R_lite":[{"rank":"0-4294967294","children":{}}],
                                     "nodelist":["a"]}})")
          .hosts();
  ASSERT_FALSE(short_list);
  EXPECT_EQ(short_list.error().code, Code::protocol);
  EXPECT_EQ(short_list.error().message, "R: nodelist names 1 hosts for 4294967295 ranks");
}

TEST(ResourceSet, keeps_both_ways_of_writing_an_empty_set) {
  for (const std::string_view text :
       {R"({"version":1,"execution":{"R_lite":[],"starttime":0.0,"expiration":0.0,"nodelist":[""]}})",
        R"({"version":1,"execution":{"R_lite":[],"starttime":0.0,"expiration":0.0}})"}) {
    const ResourceSet set = parsed(text);
    EXPECT_TRUE(set.empty());
    EXPECT_EQ(set.total(), Amount{});
    EXPECT_EQ(set.to_json(), boost::json::parse(text));
  }
}

TEST(ResourceSet, drops_the_schedulers_graph_and_keeps_the_rest) {
  auto expected = boost::json::parse(mixed);
  expected.as_object().erase("scheduling");
  EXPECT_EQ(parsed(mixed).to_json(), expected);
}

TEST(ResourceSet, sets_of_all_ids_do_not_overflow) {
  const ResourceSet set = parsed(R"({"version":1,"execution":{"R_lite":[
      {"rank":"0-4294967294","children":{"core":"0-4294967294"}}]}})");
  EXPECT_EQ(set.total().cores, 4294967295ULL * 4294967295ULL);
}

TEST(ResourceSet, refuses_wrong_json_and_says_where) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {R"([])", "R is not an object"},
      {R"({"execution":{}})", "version is missing"},
      {R"({"version":2,"execution":{}})", "version is 2"},
      {R"({"version":1})", "execution is missing"},
      {R"({"version":1,"execution":{"R_lite":{}}})", "R_lite is not an array"},
      {R"({"version":1,"execution":{"R_lite":[{"rank":0,"children":{}}]}})", "rank is not a string"},
      {R"({"version":1,"execution":{"R_lite":[{"rank":"x","children":{}}]}})", "'x' is not a number"},
      {R"({"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"5-2"}}]}})", "goes down"},
      {R"({"version":1,"execution":{"R_lite":[{"rank":"0-2"},{"rank":"2"}]}})", "rank 2 twice"},
      {R"({"version":1,"execution":{"nodelist":[1]}})", "nodelist"},
      {R"({"version":1,"execution":{"properties":{"a":"z"}}})", "properties: a"},
      {R"({"version":1,"execution":{"expiration":"never"}})", "expiration is not a number"}};
  for (const auto& [text, reason] : cases) {
    const auto set = parse(text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().code, Code::protocol);
    EXPECT_NE(set.error().message.find(reason), std::string::npos) << set.error().message;
  }
}

TEST(ResourceSet, HostBombsDoNotAddUp) {
  ResourceSet set;
  set.entries = {{.ranks = IdSet::range(0, 4294967294U), .cores = IdSet{0}, .gpus = {}}};
  set.has_nodelist = true;
  set.nodelist.assign(1000, "n[0-999999]");
  EXPECT_FALSE(set.hosts());
  set.entries = {{.ranks = IdSet::range(0, 3), .cores = IdSet{0}, .gpus = {}}};
  EXPECT_FALSE(set.hosts());
  set.nodelist = {"n[0-1]", "m[0-1]"};
  const auto hosts = set.hosts();
  ASSERT_TRUE(hosts);
  EXPECT_EQ(hosts->at(3), "m1");
}

}  // namespace
}  // namespace fluxmetrics::flux
