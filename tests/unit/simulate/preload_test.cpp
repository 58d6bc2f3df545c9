// An instance that begins in the middle of its work.
#include <gtest/gtest.h>

#include "simulate/bench.hpp"
#include "simulate/job_filter.hpp"

namespace fluxmetrics::simulate {
namespace {

using test::Bench;

Options busy(std::uint32_t size, std::uint32_t pending, std::uint32_t running) {
  Options options;
  options.size = options.max_size = size;
  options.pending = pending;
  options.running = running;
  return options;
}

TEST(Preload, CountsListsAndResourcesAgree) {
  Bench bench(busy(10, 200, 15));
  bench.advance(1);
  const auto& stats = bench.jobs().stats().all.states;
  EXPECT_EQ(stats.sched, 200) << "the first in line waits for all ranks, and nobody passes it";
  EXPECT_EQ(stats.run, 15);
  EXPECT_EQ(bench.jobs().lists()[0].size(), 200U);
  EXPECT_EQ(bench.jobs().lists()[1].size(), 15U);
  flux::Amount held;
  for (const auto& [id, job] : bench.jobs().lists()[1]) {
    ASSERT_TRUE(job->R);
    held.cores += job->R->total().cores;
    EXPECT_GT(*job->t_run, job->t_submit);
  }
  EXPECT_EQ(bench.instance().resources().allocated().total().cores, held.cores) << "no core is held twice";
}

TEST(Preload, EveryCoreCanBeTaken) {
  Bench bench(busy(5, 0, 20));
  EXPECT_EQ(bench.instance().resources().allocated().total().cores, 20U);
  EXPECT_EQ(bench.jobs().stats().all.states.run, 20);
}

TEST(Preload, ImpossibleOnesAreRefused) {
  EXPECT_TRUE(check(busy(5, 0, 20)));
  EXPECT_FALSE(check(busy(5, 0, 21)));
  EXPECT_FALSE(check(busy(5, 2'000'000, 0)));
}

TEST(PossibleStates, FollowsTheConstraint) {
  const auto states = [](std::string_view text) { return possible_states(boost::json::parse(text)); };
  EXPECT_EQ(states(R"({"states":[48]})"), 48U);
  EXPECT_EQ(states(R"({"states":["sched","RUN"]})"), 24U);
  EXPECT_EQ(states(R"({"and":[{"t_run":[">=1"]},{"states":[8]}]})"), 8U);
  EXPECT_EQ(states(R"({"or":[{"states":[8]},{"states":[16]}]})"), 24U);
  EXPECT_EQ(states(R"({"or":[{"states":[8]},{"userid":[1]}]})"), 127U);
  EXPECT_EQ(states(R"({"not":[{"states":[8]}]})"), 127U);
  EXPECT_EQ(states("{}"), 127U);
}

TEST(EarliestSched, FollowsTheConstraint) {
  const auto earliest = [](std::string_view text) { return earliest_sched(boost::json::parse(text)); };
  EXPECT_EQ(earliest(R"({"t_sched":[">=12.5"]})"), 12.5);
  EXPECT_EQ(earliest(R"({"and":[{"states":[8]},{"t_sched":[">7"]},{"t_sched":[">=3"]}]})"), 7);
  EXPECT_EQ(earliest(R"({"t_sched":["<12"]})"), 0);
  EXPECT_EQ(earliest(R"({"t_sched":[">=12",">=3"]})"), 0) << "one of them is enough";
  EXPECT_EQ(earliest(R"({"or":[{"t_sched":[">=12"]},{"states":[8]}]})"), 0);
  EXPECT_EQ(earliest(R"({"t_run":[">=12"]})"), 0);
}

}  // namespace
}  // namespace fluxmetrics::simulate
