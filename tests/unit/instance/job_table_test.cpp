#include "instance/job_table.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include <boost/json.hpp>

#include "flux/captures.hpp"
#include "flux/replies.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
using flux::JobState;

// The payloads of one captured exchange.
std::vector<json::value> replies(const std::string& capture) {
  const auto exchange = flux::captures::read(capture + ".json");
  std::vector<json::value> found;
  for (const auto& reply : exchange.at("responses").as_array()) {
    if (const auto* payload = reply.as_object().if_contains("payload")) found.push_back(*payload);
  }
  EXPECT_FALSE(found.empty()) << capture;
  return found;
}

JobTable from_journal(const std::string& capture) {
  JobTable table;
  for (const auto& reply : replies(capture)) {
    const auto parsed = flux::JournalReply::from_json(reply);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
    if (parsed && parsed->id >= 0) table.apply(*parsed);
  }
  return table;
}

InstanceState state_with_queues() {
  InstanceState state;
  state.queues = {{.name = "batch", .enabled = true, .started = true, .admits = {}},
                  {.name = "debug", .enabled = true, .started = true, .admits = {}}};
  return state;
}

flux::JournalReply event(flux::JobId id, const std::string& name, json::object context = {},
                         double time = 1) {
  flux::JournalReply reply;
  reply.id = id;
  reply.events.push_back(
      {.timestamp = time, .name = name, .context = std::move(context), .has_context = true});
  return reply;
}

// The state of job `id`, or nullopt when the table does not show it.
std::optional<JobState> state_of(const JobTable& table, flux::JobId id) {
  auto state = state_with_queues();
  table.write(state);
  for (const auto& job : state.jobs) {
    if (job.id == id) return job.state;
  }
  return {};
}

TEST(JobTable, JournalAndListTellTheSameJobs) {
  auto by_journal = state_with_queues();
  from_journal("15-sizes.job-manager.events-journal.active").write(by_journal);

  JobTable listed;
  listed.begin_full(13);
  for (const auto* part : {"15-sizes.job-list.list.pending", "15-sizes.job-list.list.running"}) {
    for (const auto& reply : replies(part)) {
      flux::JobListReader reader([&](const flux::ListedJob& job) { listed.take(job); });
      reader.feed(json::serialize(reply));
      const auto read = reader.finish();
      ASSERT_TRUE(read) << read.error().message;
    }
  }
  listed.end_full();
  auto by_list = state_with_queues();
  listed.write(by_list);

  ASSERT_EQ(by_journal.jobs.size(), by_list.jobs.size());
  ASSERT_EQ(by_journal.jobs.size(), 13U);  // job-manager.stats-get's active_jobs of this state
  for (std::size_t i = 0; i < by_list.jobs.size(); ++i) {
    EXPECT_EQ(by_journal.jobs[i].id, by_list.jobs[i].id);
    EXPECT_EQ(by_journal.jobs[i].state, by_list.jobs[i].state) << i;
    EXPECT_EQ(by_journal.jobs[i].queue, by_list.jobs[i].queue) << i;
    if (by_list.jobs[i].state == JobState::sched) {  // the capture of running jobs asked for less
      EXPECT_DOUBLE_EQ(by_journal.jobs[i].duration, by_list.jobs[i].duration) << i;
      EXPECT_EQ(by_journal.jobs[i].priority, by_list.jobs[i].priority) << i;
    }
    if (by_list.jobs[i].state == JobState::run) {
      EXPECT_EQ(by_journal.jobs[i].nnodes, by_list.jobs[i].nnodes) << i;
      EXPECT_EQ(by_journal.jobs[i].ncores, by_list.jobs[i].ncores) << i;
    }
  }
  for (const auto& shape : by_journal.shapes)
    EXPECT_TRUE(shape.known);
  for (const auto& shape : by_list.shapes)
    EXPECT_FALSE(shape.known);
}

TEST(JobTable, FollowsRfc21) {
  JobTable table;
  table.apply(event(7, "submit", {{"urgency", 16}}, 5));
  EXPECT_EQ(state_of(table, 7), std::nullopt) << "NEW is counted by no broker";
  table.apply(event(7, "validate"));
  EXPECT_EQ(state_of(table, 7), JobState::depend);
  table.apply(event(7, "depend"));
  EXPECT_EQ(state_of(table, 7), JobState::priority);
  table.apply(event(7, "priority", {{"priority", 16}}, 6));
  EXPECT_EQ(state_of(table, 7), JobState::sched);
  table.apply(event(7, "exception", {{"severity", 3}, {"type", "note"}}));
  EXPECT_EQ(state_of(table, 7), JobState::sched) << "only severity 0 is fatal";
  table.apply(event(7, "alloc", {}, 8));
  EXPECT_EQ(state_of(table, 7), JobState::run);
  table.apply(event(7, "priority", {{"priority", 20}}));
  EXPECT_EQ(state_of(table, 7), JobState::run) << "a late priority does not send a running job back";
  table.apply(event(7, "finish", {{"status", 0}}));
  EXPECT_EQ(state_of(table, 7), JobState::cleanup);
  table.apply(event(7, "clean"));
  EXPECT_EQ(state_of(table, 7), std::nullopt);
  table.apply(event(7, "alloc"));
  EXPECT_EQ(table.size(), 0U) << "events of a job that ended are ignored";
}

TEST(JobTable, CanceledPendingJobGoesThroughCleanup) {
  JobTable table;
  for (const auto* name : {"submit", "validate", "depend"})
    table.apply(event(7, name));
  table.apply(event(7, "priority", {{"priority", 16}}));
  table.apply(event(7, "exception", {{"severity", 0}, {"type", "cancel"}}));
  EXPECT_EQ(state_of(table, 7), JobState::cleanup);
}

TEST(JobTable, HeldJobHasPriorityZero) {
  JobTable table;
  for (const auto* name : {"submit", "validate", "depend"})
    table.apply(event(7, name));
  table.apply(event(7, "priority", {{"priority", 0}}));
  auto state = state_with_queues();
  table.write(state);
  ASSERT_EQ(state.jobs.size(), 1U);
  EXPECT_FALSE(state.eligible(state.jobs[0]));
}

TEST(JobTable, UpdatedJobspecIsAskedForAgain) {
  JobTable table;
  table.apply(event(7, "submit"));
  table.apply(event(7, "jobspec-update", {{"attributes.system.duration", 90}}));
  EXPECT_EQ(table.take_outdated(), std::vector<flux::JobId>{7});
  EXPECT_TRUE(table.take_outdated().empty());
}

TEST(JobTable, ListKeepsKnownJobspecsAndForgetsGoneJobs) {
  auto table = from_journal("15-sizes.job-manager.events-journal.active");
  EXPECT_TRUE(table.without_jobspec(10).empty());
  auto state = state_with_queues();
  table.write(state);
  flux::ListedJob kept;
  kept.id = state.jobs[0].id;
  kept.state = JobState::sched;
  kept.priority = 16;
  flux::ListedJob fresh = kept;
  fresh.id = 1LL << 60;
  table.begin_full(2);
  table.take(fresh);
  table.take(kept);
  table.end_full();
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.without_jobspec(10), std::vector<flux::JobId>{fresh.id});
  table.set_jobspec(fresh.id, json::value{});
  EXPECT_TRUE(table.without_jobspec(10).empty()) << "an unreadable jobspec is not asked for for ever";
}

flux::ListedJob listed(flux::JobId id, JobState state) {
  flux::ListedJob job;
  job.id = id;
  job.state = state;
  job.priority = 16;
  job.ncores = 2;
  return job;
}

TEST(JobTable, FluxionsEndOfTimeIsNoLimit) {
  auto job = listed(7, JobState::run);
  job.expiration = 9223372036.0;
  JobTable table;
  table.begin_full(1);
  table.take(job);
  table.end_full();
  auto state = state_with_queues();
  table.write(state);
  ASSERT_EQ(state.jobs.size(), 1U);
  EXPECT_EQ(state.jobs[0].expiration, 0) << "flux-sched 0.54 writes it into the R of a job without a limit";
}

TEST(JobTable, ListsOfChangesAddMoveAndRemove) {
  JobTable table;
  table.begin_full(3);
  for (const flux::JobId id : {30, 10, 20})
    table.take(listed(id, JobState::sched));
  table.end_full();
  const auto full = table.version();
  table.take(listed(20, JobState::sched));
  EXPECT_EQ(table.version(), full) << "what is told again changes nothing";

  table.take(listed(25, JobState::sched));     // came, between others
  table.take(listed(20, JobState::run));       // started
  table.take(listed(10, JobState::inactive));  // ended
  table.take(listed(99, JobState::inactive));  // came and ended unseen
  EXPECT_GT(table.version(), full);
  auto state = state_with_queues();
  table.write(state);
  std::vector<flux::JobId> ids;
  for (const auto& job : state.jobs)
    ids.push_back(job.id);
  EXPECT_EQ(ids, (std::vector<flux::JobId>{20, 25, 30})) << "by id";
  EXPECT_EQ(state_of(table, 20), JobState::run);
  EXPECT_EQ(table.size(), 3U);
  const auto counts = table.count();
  EXPECT_EQ(counts.sched, 2);
  EXPECT_EQ(counts.run, 1);
}

TEST(JobTable, ForgetsManyJobsThatEndedAndTakesThemBack) {
  JobTable table;
  table.begin_full(2000);
  for (flux::JobId id = 1; id <= 2000; ++id)
    table.take(listed(id, JobState::sched));
  table.end_full();
  for (flux::JobId id = 1; id < 2000; ++id)
    table.take(listed(id, JobState::inactive));
  EXPECT_EQ(table.size(), 1U);
  table.take(listed(1999, JobState::sched));
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(state_of(table, 1999), JobState::sched);
  EXPECT_EQ(state_of(table, 1000), std::nullopt);
}

TEST(JobTable, JobsOfOneKindShareAShape) {
  JobTable table;
  table.begin_full(100);
  for (flux::JobId id = 1; id <= 100; ++id) {
    auto job = listed(id, JobState::sched);
    job.ncores = 1 + id % 2;
    job.queue = id % 4 < 2 ? "batch" : "debug";
    table.take(job);
  }
  table.end_full();
  auto state = state_with_queues();
  table.write(state);
  EXPECT_EQ(state.shapes.size(), 2U) << "the queues admit the same";
  ASSERT_EQ(state.jobs.size(), 100U);
  for (const auto& job : std::as_const(state).jobs)
    EXPECT_EQ(state.queues[job.queue].name, job.id % 4 < 2 ? "batch" : "debug");
}

TEST(JobTable, NamesAndNumbersThatOthersChooseAreBounded) {
  JobTable table;
  table.begin_full(std::size_t{1} << 60U);  // job-stats may say anything
  std::string name;
  for (flux::JobId id = 1; id <= 5000; ++id) {
    name = "q" + std::to_string(id);
    flux::ListedJob job;
    job.id = id;
    job.state = JobState::sched;
    job.queue = name;
    table.take(job);
  }
  table.end_full();
  EXPECT_EQ(table.size(), 5000U);

  flux::JournalReply reply;
  reply.id = 6000;
  reply.events = {
      {.timestamp = 1, .name = "submit", .context = {}, .has_context = false},
      {.timestamp = 1, .name = "validate", .context = {}, .has_context = false},
      {.timestamp = 1, .name = "depend", .context = {}, .has_context = false},
      {.timestamp = 1, .name = "priority", .context = {{"priority", 1e300}}, .has_context = true}};
  table.apply(reply);
  auto state = state_with_queues();
  table.write(state);
  ASSERT_EQ(state.jobs.size(), 5001U);
  EXPECT_EQ(state.jobs.back().priority, 4294967295);
}

TEST(JobTable, OutdatedJobsThatNobodyAskedForComeAgain) {
  JobTable table;
  const std::vector<flux::JobId> ids{3, 5};
  table.put_back_outdated(ids);
  EXPECT_EQ(table.take_outdated(), ids);
  EXPECT_TRUE(table.take_outdated().empty());
}

}  // namespace
}  // namespace fluxmetrics::instance
