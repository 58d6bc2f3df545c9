#include "instance/wait_times.hpp"

#include <gtest/gtest.h>
#include <string>

#include <boost/json.hpp>

#include "flux/replies.hpp"
#include "instance/job_table.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
using flux::JobState;

flux::JournalReply told(flux::JobId id, const std::string& name, double time, json::object context = {}) {
  flux::JournalReply reply;
  reply.id = id;
  reply.events.push_back(
      {.timestamp = time, .name = name, .context = std::move(context), .has_context = true});
  return reply;
}

// A job in SCHED, ready since `ready`.
void submit(JobTable& table, flux::JobId id, double ready) {
  table.apply(told(id, "submit", ready - 1));
  table.apply(told(id, "validate", ready - 1));
  table.apply(told(id, "depend", ready));
  table.apply(told(id, "priority", ready, {{"priority", 16}}));
}

flux::ListedJob listed(flux::JobId id, JobState state, double ready, double run) {
  flux::ListedJob job;
  job.id = id;
  job.state = state;
  job.t_submit = ready - 1;
  job.t_sched = ready;
  if (run > 0) job.t_run = run;
  return job;
}

std::uint64_t count(WaitTimes& waits) {
  std::uint64_t number = 0;
  for (const auto& queue : waits.read())
    number += queue.waits.count();
  return number;
}

TEST(WaitTimes, FallIntoTheirRanges) {
  WaitTimes waits;
  waits.started("batch", 100, 101);
  waits.started("batch", 100, 101.5);
  waits.started("batch", 100, 100000000);
  waits.started("debug", 100, 99);  // two clocks
  waits.started("debug", 0, 99);    // nobody knows since when
  const auto read = waits.read();
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].queue, "batch");
  EXPECT_EQ(read[0].waits.counts()[0], 1U) << "one second is in the range up to one second";
  EXPECT_EQ(read[0].waits.counts()[1], 1U);
  EXPECT_EQ(read[0].waits.counts().back(), 1U) << "longer than a day";
  EXPECT_EQ(read[0].waits.count(), 3U);
  EXPECT_EQ(read[1].waits.sum(), 0);
  EXPECT_EQ(waits.read(), read) << "nothing was added";
}

TEST(WaitTimes, AreCountedOnceWhenTheJournalTellsOfTheStart) {
  JobTable table;
  WaitTimes waits;
  submit(table, 1, 10);
  table.apply(told(1, "alloc", 30));
  table.count_starts(&waits, false);
  EXPECT_EQ(count(waits), 0U) << "it ran before we looked";
  submit(table, 2, 40);
  table.apply(told(2, "alloc", 60));
  table.apply(told(2, "alloc", 61));
  table.take(listed(2, JobState::sched, 40, 0));  // a list that is older than the journal
  table.apply(told(2, "alloc", 60));
  ASSERT_EQ(count(waits), 1U);
  EXPECT_EQ(waits.read().front().waits.sum(), 20);
}

TEST(WaitTimes, AreCountedOnceWhenListsShowTheStart) {
  JobTable table;
  WaitTimes waits;
  table.begin_full(2);
  table.take(listed(1, JobState::run, 10, 20));
  table.take(listed(2, JobState::sched, 10, 0));
  table.end_full();
  table.count_starts(&waits, true);
  for (int twice = 0; twice < 2; ++twice) {
    table.begin_full(3);
    table.take(listed(1, JobState::run, 10, 20));
    table.take(listed(2, JobState::run, 10, 25));
    table.take(listed(3, JobState::run, 24, 26));  // came and started between two lists
    table.end_full();
  }
  ASSERT_EQ(count(waits), 2U);
  EXPECT_EQ(waits.read().front().waits.sum(), 15 + 2);
}

TEST(WaitTimes, AreCountedForAJobThatStartedAndEndedBetweenTwoLists) {
  JobTable table;
  WaitTimes waits;
  table.begin_full(2);
  table.take(listed(1, JobState::sched, 10, 0));
  table.take(listed(2, JobState::sched, 10, 0));
  table.end_full();
  table.count_starts(&waits, true);
  table.take(listed(1, JobState::inactive, 10, 13));
  table.take(listed(1, JobState::inactive, 10, 13));
  table.take(listed(2, JobState::inactive, 10, 0));  // canceled: it never ran
  ASSERT_EQ(count(waits), 1U);
  EXPECT_EQ(waits.read().front().waits.sum(), 3);
}

TEST(WaitTimes, BeginWithTheSubmissionWhereNothingElseIsTold) {
  JobTable table;
  WaitTimes waits;
  table.count_starts(&waits, true);
  auto job = listed(1, JobState::run, 10, 20);
  job.t_sched.reset();
  table.take(job);
  EXPECT_EQ(waits.read().front().waits.sum(), 11);
}

}  // namespace
}  // namespace fluxmetrics::instance
