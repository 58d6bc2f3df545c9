// The made workloads: the same for a seed, and of the kind that their names say.
#include "plan/generate.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "plan/workload.hpp"

namespace fluxmetrics::plan {
namespace {

std::vector<simulate::TraceJob> made(std::string_view name, std::uint64_t seed) {
  auto jobs = generate_workload(name, seed);
  EXPECT_TRUE(jobs) << name;
  return jobs.value_or(std::vector<simulate::TraceJob>{});
}

TEST(GeneratedWorkload, IsTheSameForASeedAndFitsTheInstance) {
  for (const auto* name : {"daily", "burst"}) {
    EXPECT_EQ(made(name, 5), made(name, 5));
    EXPECT_NE(made(name, 5), made(name, 6));
    const auto jobs = made(name, 5);
    EXPECT_TRUE(std::ranges::is_sorted(jobs, {}, &simulate::TraceJob::t));
    const auto plan = plan_jobs(jobs, 64, 8);
    EXPECT_TRUE(plan) << plan.error().message;
    // Written down and read again it is the same.
    std::string text;
    for (const auto& job : jobs)
      text += simulate::trace_line(job) + "\n";
    const auto read = simulate::parse_trace(text, name);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->size(), jobs.size());
    EXPECT_TRUE(std::ranges::equal(*read, jobs, [](const simulate::TraceJob& a, const simulate::TraceJob& b) {
      return std::abs(a.t - b.t) < 1e-3 && a.request.nodes == b.request.nodes &&
             a.request.slots == b.request.slots;
    }));
  }
  EXPECT_FALSE(generate_workload("weekly", 1));
}

TEST(GeneratedWorkload, ADayIsBusyAtNoonAndHasGangs) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto jobs = made("daily", seed);
    EXPECT_GT(jobs.size(), 1200U);
    EXPECT_LT(jobs.size(), 1700U);
    const auto between = [&](double from, double to) {
      return std::ranges::count_if(
          jobs, [&](const simulate::TraceJob& job) { return job.t >= from * 3600 && job.t < to * 3600; });
    };
    EXPECT_GT(between(10, 14), 2 * between(0, 4));
    const auto gangs = std::ranges::count_if(
        jobs, [](const simulate::TraceJob& job) { return job.request.nodes.value_or(0) >= 8; });
    EXPECT_GT(gangs, 80);
    EXPECT_LT(gangs, 220);
  }
}

TEST(GeneratedWorkload, BurstsComeAtOnce) {
  const auto jobs = made("burst", 1);
  double last = -3600;
  int bursts = 0;
  for (const auto& job : jobs) {
    if (job.t > last + 60) ++bursts;
    last = job.t;
    EXPECT_EQ(job.request.cores, 4U);
    EXPECT_GE(job.request.duration, 20);
    EXPECT_LE(job.request.duration, 60);
  }
  EXPECT_EQ(bursts, 8);
}

}  // namespace
}  // namespace fluxmetrics::plan
