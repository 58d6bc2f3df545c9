#include "sizing/backlog.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

using support::InstanceBuilder;

TEST(Backlog, IsWorkOverTheCoresThatAreUp) {
  InstanceBuilder made(4);
  made.online("0-1").pending(support::slots(4, 2), 3);
  for (auto& job : made.state().jobs)
    job.duration = 100;
  made.pending(support::whole_nodes(3));
  const auto queues = backlog_by_queue(made, {});
  ASSERT_EQ(queues.size(), 1U);
  EXPECT_EQ(queues[0].eligible, 4U);
  EXPECT_EQ(queues[0].unlimited, 1U) << "the one for whole nodes";
  EXPECT_EQ(queues[0].core_seconds, 3 * 8 * 100);
  EXPECT_EQ(queues[0].cores_up, 16U);
  EXPECT_EQ(queues[0].seconds(), 150);
  EXPECT_EQ(queues[0].widest_nodes, 3U);
  EXPECT_EQ(queues[0].most_cores, 24U) << "whole nodes of eight cores";
}

TEST(Backlog, OfNoWorkIsNothingWhateverIsUp) {
  const auto queues = backlog_by_queue(InstanceBuilder(4), {});
  EXPECT_EQ(queues.at(0).cores_up, 0U);
  EXPECT_EQ(queues.at(0).seconds(), 0);
  EXPECT_EQ(queues.at(0).oldest, 0);
}

TEST(Backlog, WithoutACoreThatIsUpHasNoEnd) {
  InstanceBuilder made(4);
  made.pending(support::slots(1));
  made.last_job().duration = 1;
  EXPECT_TRUE(std::isinf(backlog_by_queue(made, {}).at(0).seconds()));
}

TEST(Backlog, CountsTheCoresThatTheQueueAdmits) {
  InstanceBuilder made(4);
  made.online("0-3").queue("batch", "0-2").queue("debug", "3");
  made.pending(support::slots(2), 1, 1);
  made.last_job().duration = 60;
  const auto queues = backlog_by_queue(made, {});
  EXPECT_EQ(queues.at(0).queue, "batch");
  EXPECT_EQ(queues.at(0).cores_up, 24U);
  EXPECT_EQ(queues.at(0).seconds(), 0);
  EXPECT_EQ(queues.at(1).cores_up, 8U);
  EXPECT_EQ(queues.at(1).seconds(), 15);
  made.drain("3");
  EXPECT_TRUE(std::isinf(backlog_by_queue(made, {}).at(1).seconds())) << "drained is not up";
}

TEST(Backlog, LooksAtEligibleJobsOnly) {
  InstanceBuilder made(4);
  made.online("0-3").pending(support::slots(1), 3);
  made.state().jobs[0].priority = 0;  // held
  made.state().jobs[1].state = flux::JobState::depend;
  made.state().jobs[2].t_sched = 50;
  made.running(support::slots(1), 1, 1);
  made.last_job().t_sched = 10;
  auto queues = backlog_by_queue(made, {});
  EXPECT_EQ(queues.at(0).eligible, 1U);
  EXPECT_EQ(queues.at(0).oldest, 50);
  made.stop_queue();
  queues = backlog_by_queue(made, {});
  EXPECT_EQ(queues.at(0).eligible, 0U);
  EXPECT_EQ(queues.at(0).oldest, 0);
}

TEST(Backlog, TakesTheOldestTimeThatIsKnown) {
  InstanceBuilder made(4);
  made.online("0-3").pending(support::slots(1), 3);
  made.state().jobs[0].t_sched = 90;
  made.state().jobs[1].t_submit = 70;  // an old Flux does not tell t_sched
  EXPECT_EQ(backlog_by_queue(made, {}).at(0).oldest, 70);
}

TEST(Backlog, SpreadsSlotsOverNodes) {
  InstanceBuilder made(4);
  made.online("0-3").pending(support::slots(20));  // eight to a node
  EXPECT_EQ(backlog_by_queue(made, {}).at(0).widest_nodes, 3U);
  EXPECT_EQ(backlog_by_queue(made, {}).at(0).most_cores, 20U);
}

}  // namespace
}  // namespace fluxmetrics::sizing
