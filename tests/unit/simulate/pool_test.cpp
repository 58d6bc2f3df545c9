// Where jobs go: the rules of Flux's simple scheduler.
#include "simulate/pool.hpp"

#include "bench.hpp"

namespace fluxmetrics::simulate::test {
namespace {

flux::Shape shape(std::optional<std::uint32_t> nodes, std::uint32_t slots, std::uint32_t cores,
                  std::uint32_t gpus = 0, bool exclusive = false) {
  flux::Shape made;
  made.nodes = nodes;
  made.slots = slots;
  made.cores = cores;
  made.gpus = gpus;
  made.exclusive = exclusive;
  return made;
}

const flux::IdSet all = flux::IdSet::range(0, 3);

std::string placed(Pool& pool, const flux::Shape& wanted, const flux::IdSet& up = all) {
  const auto placement = pool.place(wanted, up, all);
  if (!placement) return "nowhere";
  pool.take(*placement);
  const std::vector<std::string> hosts{"n0", "n1", "n2", "n3"};
  return summary(make_resource_set(placement->slices, hosts, {}));
}

TEST(Pool, MostFreeFirstTiesToTheLowestRank) {
  Pool pool(4, 8, 2);
  EXPECT_EQ(placed(pool, shape(1, 2, 2)), "rank0/core[0-3]");
  EXPECT_EQ(placed(pool, shape(2, 2, 2)), "rank[1-2]/core[0-3]");
  EXPECT_EQ(placed(pool, shape(1, 1, 1, 1)), "rank3/core0,gpu0");
  EXPECT_EQ(placed(pool, shape({}, 1, 1)), "rank3/core1");
  // Rank 3 is the emptiest but has one gpu left; the rest goes to the next.
  EXPECT_EQ(placed(pool, shape({}, 3, 1, 1)), "rank0/core[4-5],gpu[0-1] rank3/core2,gpu1");
}

TEST(Pool, SlotsSpreadOverNodesAndAreNotSplit) {
  Pool pool(4, 8, 2);
  EXPECT_EQ(placed(pool, shape({}, 3, 5)), "rank[0-2]/core[0-4]");
  EXPECT_EQ(placed(pool, shape({}, 2, 5)), "nowhere") << "rank 3 has room for one";
  EXPECT_EQ(placed(pool, shape({}, 1, 8)), "rank3/core[0-7]");
}

TEST(Pool, ExclusiveJobsTakeWholeEmptyNodes) {
  Pool pool(4, 8, 2);
  EXPECT_EQ(placed(pool, shape({}, 1, 1)), "rank0/core0");
  EXPECT_EQ(placed(pool, shape(4, 1, 1, 0, true)), "nowhere");
  EXPECT_EQ(placed(pool, shape(3, 1, 1, 0, true)), "rank[1-3]/core[0-7],gpu[0-1]");
  EXPECT_EQ(placed(pool, shape(1, 1, 1, 0, true)), "nowhere");
}

TEST(Pool, OnlyUpRanksAreUsed) {
  Pool pool(4, 8, 2);
  EXPECT_EQ(placed(pool, shape(2, 1, 1), flux::IdSet{1, 3}), "rank[1,3]/core0");
  EXPECT_EQ(placed(pool, shape(3, 1, 1), flux::IdSet{1, 3}), "nowhere");
}

TEST(Pool, WhatIsGivenBackIsFreeAgain) {
  Pool pool(1, 4, 1);
  const auto placement = pool.place(shape(1, 4, 1, 0), flux::IdSet{0}, flux::IdSet{0});
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->slots, 4U);
  pool.take(*placement);
  EXPECT_EQ(pool.taken().size(), 1U);
  EXPECT_EQ(placed(pool, shape(1, 1, 1)), "nowhere");
  pool.give_back(*placement);
  EXPECT_TRUE(pool.taken().empty());
  EXPECT_EQ(placed(pool, shape(1, 1, 1)), "rank0/core0");
}

TEST(Pool, SaysWhyAJobCanNeverRun) {
  const Pool pool(4, 8, 2);
  const auto why = [&](const flux::Shape& wanted) {
    return pool.unsatisfiable(wanted, all).value_or("it can");
  };
  EXPECT_EQ(why(shape(4, 8, 1)), "it can");
  EXPECT_EQ(why(shape(64, 1, 1)),
            "unsatisfiable request: need 64 node(s) with 1 cores each, only 4 eligible");
  EXPECT_EQ(why(shape(1, 3, 1, 1)),
            "unsatisfiable request: need 1 node(s) with 3 cores and 3 GPUs each, only 0 eligible");
  EXPECT_EQ(why(shape(5, 1, 1, 0, true)), "unsatisfiable request: need 5 exclusive node(s), only 4 eligible");
  EXPECT_EQ(why(shape({}, 1, 64)),
            "unsatisfiable request: need 1 slot(s) of 64 core(s), only 0 such slot(s) "
            "available (total cores: 32)");
  EXPECT_EQ(why(shape({}, 5, 4, 2)),
            "unsatisfiable request: need 5 slot(s) with 2 GPU(s) each, only 4 available (total GPUs: 8)");
  EXPECT_TRUE(pool.unsatisfiable(shape(2, 1, 1), flux::IdSet{1})) << "one admitted rank";
}

TEST(Pool, EmptySetsHaveAnEmptyName) {
  const flux::ResourceSet set = make_resource_set({}, {}, {{"batch", all}});
  EXPECT_EQ(set.to_json(),
            json::parse(R"({"version":1,"execution":{"R_lite":[],"starttime":0.0,"expiration":0.0,
                                           "nodelist":[""]}})"));
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
