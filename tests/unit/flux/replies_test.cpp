#include "flux/replies.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include <boost/json.hpp>

#include "flux/captures.hpp"
#include "flux/client.hpp"
#include "flux/job_stats.hpp"
#include "flux/payload.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

TEST(Replies, older_brokers_leave_things_out) {
  const auto stats =
      JobStats::from_json(json::parse(R"({"job_states":{"depend":0,"priority":0,"sched":3,"run":0,
      "cleanup":0,"inactive":0,"total":3},"surprise":[1]})"));
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->all.states.sched, 3);
  EXPECT_EQ(stats->all.inactive_purged, 0);
  EXPECT_TRUE(stats->queues.empty());
  const auto status = ResourceStatus::from_json(json::parse(R"({"R":{"version":1,"execution":{}},
      "online":"0","offline":"1","drain":{"1,3":{}}})"));
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->torpid.empty());
  EXPECT_EQ(status->drains.at(0).ranks.to_string(), "1,3");
  EXPECT_EQ(status->drains.at(0).reason, "");
  const auto queue = QueueStatus::from_json(json::parse("{}"));
  ASSERT_TRUE(queue);
  EXPECT_TRUE(queue->enable && queue->start);
}

template <class T>
void expect_protocol_error(std::string_view text, std::string_view field) {
  const auto value = T::from_json(json::parse(text));
  ASSERT_FALSE(value) << text;
  EXPECT_EQ(value.error().code, Code::protocol);
  EXPECT_NE(value.error().message.find(field), std::string::npos) << value.error().message;
}

TEST(Replies, wrong_fields_are_named) {
  expect_protocol_error<JobStats>("[]", "job-stats");
  expect_protocol_error<JobStats>("{}", "job_states");
  expect_protocol_error<JobStats>(R"({"job_states":{"run":"1"}})", "run");
  const std::string states =
      R"({"job_states":{"depend":0,"priority":0,"sched":0,"run":0,"cleanup":0,"inactive":0,"total":0})";
  expect_protocol_error<JobStats>(states + R"(,"queues":{}})", "queues");
  expect_protocol_error<JobStats>(states + R"(,"queues":[{"name":"a"}]})", "job_states");
  expect_protocol_error<JobStats>(states + R"(,"failed":-1})", "failed");
  expect_protocol_error<JobStats>(R"({"job_states":{}})", "depend is missing");
  expect_protocol_error<JobStats>(R"({"job_states":{"run":-5}})", "run");
  expect_protocol_error<JobStats>(R"({"job_states":{"run":9007199254740993}})", "run");
  expect_protocol_error<JobStats>(R"({"job_states":{"run":18446744073709551615}})", "run");
  expect_protocol_error<ResourceStatus>(R"({"R":{"version":1}})", "execution");
  expect_protocol_error<ResourceStatus>(R"({"online":"5-2"})", "online");
  const std::string status = R"({"R":{"version":1,"execution":{}},"online":"","offline":"")";
  EXPECT_TRUE(ResourceStatus::from_json(json::parse(status + "}")));
  expect_protocol_error<ResourceStatus>(status + R"(,"drain":{"x":{}}})", "drain");
  expect_protocol_error<ResourceStatus>(status + R"(,"drain":{"1":{"reason":1}}})", "reason");
  expect_protocol_error<ResourceStatus>("{}", "R is missing");
  expect_protocol_error<ResourceStatus>(R"({"R":{"version":1,"execution":{}},"online":""})",
                                        "offline is missing");
  expect_protocol_error<SchedStatus>("{}", "all is missing");
  expect_protocol_error<SchedStatus>(R"({"all":[]})", "all");
  expect_protocol_error<QueueStatus>(R"({"start":1})", "start");
  expect_protocol_error<Event>(R"({"timestamp":1.0})", "name");
  expect_protocol_error<Event>(R"({"timestamp":1.0,"name":"a","context":[]})", "context");
  expect_protocol_error<JournalReply>(R"({"events":[]})", "id");
  expect_protocol_error<JournalReply>(R"({"id":1,"events":[{}]})", "name");
  expect_protocol_error<ResourceJournalReply>(R"({"events":1})", "events");
}

TEST(Replies, a_drains_reason_is_one_readable_line) {
  const auto status = ResourceStatus::from_json(json::parse(
      R"({"R":{"version":1,"execution":{}},"online":"","offline":"","drain":{"1":{"reason":"a\nb\u001bc"}}})"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->drains.at(0).reason, "a b c");
}

TEST(Replies, payloads_are_bounded) {
  std::string nested(1000, '[');
  EXPECT_FALSE(parse_payload("x", nested + std::string(1000, ']')));
  std::string wide = "[0";
  for (int i = 0; i < 5'000'000; ++i)
    wide += ",0";
  const auto document = parse_payload("x", wide + "]");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, Code::protocol);
  EXPECT_NE(document.error().message.find("64 MiB"), std::string::npos) << document.error().message;
  const auto text = parse_payload("x", "\"" + std::string(17U << 20U, 'a') + "\"");
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("larger"), std::string::npos) << text.error().message;
  EXPECT_TRUE(parse_payload("x", "\"" + std::string(15U << 20U, 'a') + "\""));
}

TEST(Replies, what_a_broker_says_of_a_failure_is_one_short_line) {
  const auto error = rpc_error("x", 5, "no\nway\x1b[2J\xff" + std::string(1000, 'y'));
  EXPECT_EQ(error.message.substr(0, 17), "x: no way [2J\xef\xbf\xbdy") << error.message;
  EXPECT_LT(error.message.size(), 300U);
}

TEST(Replies, text_that_is_no_json_names_the_topic) {
  for (const char* text : {"", "{", "Unknown service", "{} {}"}) {
    const auto value = parse_payload("job-list.job-stats", text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, Code::protocol);
    EXPECT_TRUE(value.error().message.starts_with("job-list.job-stats: ")) << value.error().message;
  }
  EXPECT_FALSE(parse_payload("x", std::string(100000, '[')));
}

// The job-manager sends its backlog in hash order: ids do not ascend, and the sentinel comes last.
TEST(Replies, the_journals_backlog_has_no_order_but_an_end) {
  const auto replies = captures::replies("02-mixed.job-manager.events-journal.full.json");
  ASSERT_GT(replies.size(), 10U);
  bool ascending = true;
  JobId before = 0;
  for (const auto& [topic, payload] : replies) {
    const auto reply = JournalReply::from_json(payload);
    ASSERT_TRUE(reply);
    const bool last = &payload == &replies.back().payload;
    EXPECT_EQ(reply->id == -1, last);
    EXPECT_EQ(reply->events.empty(), last);
    if (!last) ascending = ascending && reply->id > before;
    before = reply->id;
  }
  EXPECT_FALSE(ascending);
}

// A job larger than the instance is accepted, then denied: it never waits.
TEST(Replies, a_job_that_can_never_run_fails_with_alloc) {
  bool seen = false;
  for (const auto& [topic, payload] : captures::replies("15-sizes.job-manager.events-journal.full.json")) {
    const auto reply = JournalReply::from_json(payload);
    ASSERT_TRUE(reply);
    for (const auto& event : reply->events) {
      if (event.name != "exception" || event.context.at("type") != "alloc") continue;
      seen = true;
      EXPECT_FALSE(reply->R.has_value());
      EXPECT_EQ(event.context.at("severity").as_int64(), 0);
    }
  }
  EXPECT_TRUE(seen);
}

TEST(Replies, ranks_of_jobs_may_be_bracketed) {
  const auto payload = captures::payload("02-mixed.job-list.list.running.json");
  IdSet ranks;
  bool bracketed = false;
  for (const auto& job : payload.at("jobs").as_array()) {
    const std::string_view written = job.at("ranks").as_string();
    bracketed = bracketed || written.starts_with('[');
    const auto parsed = IdSet::parse(written);
    ASSERT_TRUE(parsed);
    ranks |= *parsed;
  }
  EXPECT_TRUE(bracketed);
  EXPECT_EQ(ranks.to_string(), "0-3");
}

// A time that goes from a broker through its module to a server is parsed twice, and must be the same.
TEST(Replies, numbers_keep_every_bit) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const double time = 1.7e9 + std::ldexp(static_cast<double>(random() % (1ULL << 50U)), -22);
    const auto document = parse_payload("x", boost::json::serialize(boost::json::array{time, -time, i}));
    ASSERT_TRUE(document);
    ASSERT_EQ(document->at(0).as_double(), time);
    ASSERT_EQ(document->at(1).as_double(), -time);
    ASSERT_EQ(document->at(2).as_int64(), i);
  }
  const auto document =
      parse_payload("x", R"({"a":[1e3,0.1,18446744073709551615,9007199254740993,"\u00e9",true,null,-0.0]})");
  ASSERT_TRUE(document);
  EXPECT_EQ(boost::json::serialize(*document),
            "{\"a\":[1E3,1E-1,18446744073709551615,9007199254740993,\"\xc3\xa9\",true,null,-0E0]}");
  EXPECT_TRUE(parse_payload("x", " [1] \n"));
  for (const auto* const wrong : {"1.5 x", "{} {}", "1.", "", "[1.5"})
    EXPECT_FALSE(parse_payload("x", wrong)) << wrong;
}

}  // namespace
}  // namespace fluxmetrics::flux
