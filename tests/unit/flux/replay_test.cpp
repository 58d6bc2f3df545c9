// Replays what a real broker said: parsing a reply and writing it again must give an equal JSON.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>

#include "flux/captures.hpp"
#include "flux/job_list.hpp"
#include "flux/job_stats.hpp"
#include "flux/jobspec.hpp"
#include "flux/replies.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

using Counts = std::map<std::string, int>;

template <class T>
void expect_same(const json::value& value, const char* kind, Counts& counts) {
  const auto parsed = T::from_json(value);
  ASSERT_TRUE(parsed) << kind << ": " << parsed.error().message;
  EXPECT_EQ(parsed->to_json(), value) << kind;
  ++counts[kind];
}

// Finds every R and jobspec at any depth, also in strings that hold JSON.
void replay_everywhere(const json::value& value, Counts& counts) {
  if (const auto* object = value.if_object()) {
    if (object->contains("execution") && object->contains("version"))
      expect_same<ResourceSet>(value, "R", counts);
    if (object->contains("resources") && object->contains("tasks")) {
      const auto spec = parse_jobspec(value);
      EXPECT_FALSE(spec.fault) << spec.fault->message;
      ++counts["jobspec"];
    }
    for (const auto& [key, member] : *object)
      replay_everywhere(member, counts);
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array)
      replay_everywhere(item, counts);
  } else if (const auto* text = value.if_string(); text != nullptr && text->starts_with('{')) {
    json::error_code error;
    const auto inner = json::parse(*text, error);
    if (!error) replay_everywhere(inner, counts);
  }
}

// Lists of no states are none that this program asks for.
bool tells_states(const json::value& payload) {
  return std::ranges::all_of(payload.at("jobs").as_array(),
                             [](const json::value& job) { return job.as_object().contains("state"); });
}

void replay_jobs(const json::value& payload, Counts& counts) {
  if (!tells_states(payload)) return;
  int jobs = 0;
  JobListReader reader([&](const ListedJob&) { ++jobs; });
  reader.feed(json::serialize(payload));
  const auto done = reader.finish();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(jobs, payload.at("jobs").as_array().size());
  ++counts["job-list"];
  counts["job"] += jobs;
}

void replay_reply(const captures::Reply& reply, Counts& counts) {
  const auto& [topic, payload] = reply;
  if (topic == "job-list.job-stats") {
    expect_same<JobStats>(payload, "job-stats", counts);
  } else if (topic == "resource.status") {
    expect_same<ResourceStatus>(payload, "resource.status", counts);
  } else if (topic == "resource.sched-status" || topic == "sched.resource-status") {
    expect_same<SchedStatus>(payload, "sched-status", counts);
  } else if (topic == "job-list.list") {
    replay_jobs(payload, counts);
  } else if (topic == "job-manager.queue-status") {
    expect_same<QueueStatus>(payload, "queue-status", counts);
  } else if (topic == "job-manager.events-journal") {
    expect_same<JournalReply>(payload, "events-journal", counts);
  } else if (topic == "resource.journal") {
    expect_same<ResourceJournalReply>(payload, "resource.journal", counts);
  }
}

Counts replay(const std::string& file) {
  Counts counts;
  replay_everywhere(captures::read(file), counts);
  for (const auto& reply : captures::replies(file))
    replay_reply(reply, counts);
  return counts;
}

class Replay : public testing::TestWithParam<std::string> {};

TEST_P(Replay, writes_what_it_read) {
  replay(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Captures, Replay, testing::ValuesIn(captures::files()), [](const auto& parameter) {
  std::string name = parameter.param;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
});

// Guards the replay against passing because it found nothing to do. Counted in the files by other means.
TEST(ReplayCounts, nothing_was_skipped) {
  Counts total;
  for (const auto& file : captures::files()) {
    for (const auto& [kind, count] : replay(file))
      total[kind] += count;
  }
  EXPECT_EQ(captures::files().size(), 431U);
  EXPECT_EQ(total["R"], 273);
  EXPECT_EQ(total["job-stats"], 53);
  EXPECT_EQ(total["resource.status"], 16);
  EXPECT_EQ(total["sched-status"], 36);
  EXPECT_EQ(total["events-journal"], 268);
  EXPECT_EQ(total["resource.journal"], 116);
  EXPECT_EQ(total["queue-status"], 25);
  EXPECT_EQ(total["job-list"], 63);
  EXPECT_EQ(total["job"], 166);
  EXPECT_EQ(total["jobspec"], 152);
}

}  // namespace
}  // namespace fluxmetrics::flux
