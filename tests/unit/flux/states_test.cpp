// What each captured state of a real instance was like, worked out by hand from the captures: the parsers
// must find it.
#include <gtest/gtest.h>

#include "flux/captures.hpp"
#include "flux/job_stats.hpp"
#include "flux/replies.hpp"

namespace fluxmetrics::flux {
namespace {

struct Fact {
  const char* state;
  int sched, run, inactive;          // jobs; -1 where job-stats was not captured
  std::uint64_t free_cores;          // of ranks that are up
  std::optional<IdSet::Id> busiest;  // the highest rank that holds something
};

// Free cores are counted rank by rank, for instance in 02-mixed: 3 ranks with 4 of 8 in use, one with 1 of 8.
const std::vector<Fact> facts{{"01-empty", 0, 0, 0, 32, {}},
                              {"02-mixed", 5, 3, 10, 19, 3},
                              {"03-drained", 5, 3, 10, 8, 3},
                              {"04-lost", 0, 3, 17, 10, 2},
                              {"05-quorum-wait", 0, 0, 0, 8, {}},
                              {"06-minicluster-4of6", 0, 0, 0, 32, {}},
                              {"09-minicluster-drained-offline", 1, 0, 6, 40, {}},
                              {"10-minicluster-lost-subinstance", 0, 2, 7, 31, 3},
                              {"11-subinstance-lost-rank", 0, 0, 0, 8, {}},
                              {"12-discovery-empty", 0, 0, 0, 8, {}},
                              {"13-discovery-lost-shrunk", 0, 0, 5, 6, {}},
                              {"15-sizes", 10, 2, 2, 21, 3},
                              {"16-pending2000", 2000, 1, 15, 0, 3},
                              {"17-fake1024", 2001, 694, 6, 14528, 993},
                              {"20-exclude-torpid", 0, 0, 0, 16, {}},
                              {"21-nosched", -1, -1, -1, 6, {}}};

class State : public testing::TestWithParam<Fact> {};

// Free per rank and per core id: down and allocated overlap, so totals must not be subtracted.
std::uint64_t free_cores(const SchedStatus& status) {
  std::uint64_t free = 0;
  for (const IdSet::Id rank : status.all.ranks() - status.down.ranks()) {
    const auto* has = status.all.entry_of(rank);
    const auto* used = status.allocated.entry_of(rank);
    free += used == nullptr ? has->cores.size() : (has->cores - used->cores).size();
  }
  return free;
}

TEST_P(State, has_the_facts_that_were_worked_out_by_hand) {
  const Fact& fact = GetParam();
  const std::string state = fact.state;
  const auto status = SchedStatus::from_json(captures::payload(state + ".resource.sched-status.json"));
  ASSERT_TRUE(status);
  EXPECT_EQ(free_cores(*status), fact.free_cores);
  EXPECT_EQ(status->allocated.ranks().last(), fact.busiest);
  if (fact.sched < 0) return;
  const auto stats = JobStats::from_json(captures::payload(state + ".job-list.job-stats.json"));
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->all.states.sched, fact.sched);
  EXPECT_EQ(stats->all.states.run, fact.run);
  EXPECT_EQ(stats->all.states.inactive, fact.inactive);
}

INSTANTIATE_TEST_SUITE_P(Captured, State, testing::ValuesIn(facts));

// Timelines: what the last job-stats said, and which ranks the resource journal leaves online and drained.
struct TimelineFact {
  const char* file;
  int sched, run, inactive;  // -1 where the capture leaves job-stats out
  const char* online;
  const char* drained;
};

const std::vector<TimelineFact> timelines{
    {"04-lost.timeline.sigkill", 0, 3, 17, "0-2", ""},
    {"06-minicluster.timeline.startup-grow", 0, 0, 0, "0-4", ""},
    {"07-minicluster.timeline.sigterm-rank4", 2, 1, 1, "0-3", ""},
    {"08-minicluster.timeline.rejoin-scaleup", 0, 1, 4, "0-5", ""},
    {"09-minicluster.timeline.drain-wait-term-rejoin-undrain", 0, 0, 7, "0-5", ""},
    {"10-minicluster.timeline.sigkill-rank3-subinstance-rejoin", 0, 2, 7, "0-5", ""},
    {"13-discovery.timeline.sigkill-shrink", 0, 0, 5, "0-2", ""},
    {"14-shutdown.rank0-client", -1, -1, -1, "", ""},
    {"19-leader-killed.rank0-client", 0, 0, 2, "", ""},
    {"20-exclude-torpid.timeline.sigstop-rank2", 0, 0, 0, "0-3", ""}};

class Timeline : public testing::TestWithParam<TimelineFact> {};

void follow(const Event& event, IdSet& online, IdSet& drained) {
  const auto* written = event.context.if_contains("idset");
  if (written == nullptr) return;
  const auto ranks = IdSet::parse(written->as_string());
  ASSERT_TRUE(ranks);
  if (event.name == "online") online |= *ranks;
  if (event.name == "offline") online = online - *ranks;
  if (event.name == "drain") drained |= *ranks;
  if (event.name == "undrain") drained = drained - *ranks;
}

TEST_P(Timeline, ends_as_worked_out_by_hand) {
  const TimelineFact& fact = GetParam();
  JobStats last;
  bool any = false;
  IdSet online;
  IdSet drained;
  for (const auto& [topic, payload] : captures::replies(std::string(fact.file) + ".json")) {
    if (topic == "job-list.job-stats") {
      const auto stats = JobStats::from_json(payload);
      ASSERT_TRUE(stats);
      last = *stats;
      any = true;
    } else if (topic == "resource.journal") {
      const auto reply = ResourceJournalReply::from_json(payload);
      ASSERT_TRUE(reply);
      for (const auto& event : reply->events)
        follow(event, online, drained);
    }
  }
  EXPECT_EQ(online.to_string(), fact.online);
  EXPECT_EQ(drained.to_string(), fact.drained);
  EXPECT_EQ(any, fact.sched >= 0);
  if (!any) return;
  EXPECT_EQ(last.all.states.sched, fact.sched);
  EXPECT_EQ(last.all.states.run, fact.run);
  EXPECT_EQ(last.all.states.inactive, fact.inactive);
}

INSTANTIATE_TEST_SUITE_P(Captured, Timeline, testing::ValuesIn(timelines));

TEST(States, every_state_of_the_index_has_its_facts) {
  const auto index = captures::read("INDEX.json");
  std::vector<std::string> known{"18-disconnect"};  // tested below
  for (const auto& fact : facts)
    known.emplace_back(fact.state);
  for (const auto& fact : timelines)
    known.emplace_back(fact.file, std::string_view(fact.file).find('.'));
  for (const auto& [state, about] : index.at("states").as_object()) {
    EXPECT_NE(std::ranges::find(known, std::string(state)), known.end()) << state;
  }
}

TEST(States, disconnected_subtree_is_offline) {
  const auto status = ResourceStatus::from_json(captures::payload("18-disconnect.resource.status.json"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->online.to_string(), "0-4");
  EXPECT_EQ(status->offline.to_string(), "5");
  EXPECT_EQ(status->resources.total_of(status->online).cores, 40U);
}

TEST(States, drained_ranks_keep_their_jobs_and_their_reason) {
  const auto status = ResourceStatus::from_json(captures::payload("03-drained.resource.status.json"));
  ASSERT_TRUE(status);
  ASSERT_EQ(status->drains.size(), 2U);
  EXPECT_EQ(status->drains[0].ranks, IdSet{1});
  EXPECT_EQ(status->drains[0].reason, "");
  EXPECT_EQ(status->drains[1].ranks, IdSet{3});
  EXPECT_EQ(status->drains[1].reason, "scale-down to 3");
  const auto sched = SchedStatus::from_json(captures::payload("03-drained.resource.sched-status.json"));
  ASSERT_TRUE(sched);
  EXPECT_EQ((sched->down.ranks() & sched->allocated.ranks()).to_string(), "1,3");
}

TEST(States, excluded_and_torpid_ranks) {
  const auto status = ResourceStatus::from_json(captures::payload("20-exclude-torpid.resource.status.json"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->exclude, IdSet{1});
  EXPECT_EQ(status->torpid, IdSet{2});
  EXPECT_EQ(status->online.to_string(), "0-3");
}

TEST(States, queues_and_purged_jobs) {
  const auto stats = JobStats::from_json(captures::payload("02-mixed.job-list.job-stats.json"));
  ASSERT_TRUE(stats);
  ASSERT_EQ(stats->queues.size(), 2U);
  EXPECT_EQ(stats->queues[0].name, "batch");
  EXPECT_EQ(stats->queues[1].states.sched, 2);
  EXPECT_EQ(stats->all.states.inactive + stats->all.inactive_purged, 17);
  const auto fresh =
      QueueStatus::from_json(captures::payload("01-empty.job-manager.queue-status.batch.json"));
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(fresh->enable);
  EXPECT_FALSE(fresh->start) << "configured queues begin stopped";
  const auto blocked = QueueStatus::from_json(captures::payload("21-nosched.job-manager.queue-status.json"));
  ASSERT_TRUE(blocked);
  EXPECT_FALSE(blocked->start);
  EXPECT_EQ(blocked->blocked, "scheduler");
  const auto disabled = QueueStatus::from_json(captures::payload("job-manager.queue-status.disabled.json"));
  ASSERT_TRUE(disabled);
  EXPECT_FALSE(disabled->enable);
  EXPECT_TRUE(disabled->disable_reason.has_value());
}

}  // namespace
}  // namespace fluxmetrics::flux
