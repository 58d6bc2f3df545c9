// The states that were recorded from real brokers, built in the simulator: its answers must be theirs.
#include <algorithm>
#include <map>
#include <set>

#include "bench.hpp"

namespace fluxmetrics::simulate::test {
namespace {

// The instance of captures 01 to 04 and 15.
Options four_nodes() {
  Options options;
  options.size = 4;
  options.max_size = 4;
  options.cores = 8;
  options.gpus = 2;
  options.queues = {{.name = "batch", .ranks = flux::IdSet::range(0, 3)},
                    {.name = "debug", .ranks = flux::IdSet::range(2, 3)}};
  return options;
}

// A recorded job, as its submitter wrote it: the simulator adds the queue's constraint and knows no "after".
json::object as_submitted(const json::value& recorded) {
  json::object jobspec = recorded.at("jobspec").as_object();
  json::object& system = jobspec["attributes"].as_object()["system"].as_object();
  system.erase("constraints");
  if (const json::value* dependencies = system.if_contains("dependencies"))
    if (dependencies->at(0).at("scheme") != "begin-time") system.erase("dependencies");
  return jobspec;
}

const json::value* event_of(const json::value& recorded, std::string_view name) {
  for (const json::value& event : recorded.at("events").as_array())
    if (event.at("name").as_string() == name) return &event;
  return nullptr;
}

// How the recorded job ended, for attributes.system.simulate.
json::object fate(const json::value& recorded) {
  const json::value* finish = event_of(recorded, "finish");
  if (finish == nullptr) return {};
  const json::value* exception = event_of(recorded, "exception");
  const bool limit = exception != nullptr && exception->at("context").at("type") == "timeout";
  const bool cancelled = exception != nullptr && exception->at("context").at("type") == "cancel";
  if (limit || cancelled) return {{"runtime", 0}};
  return {{"runtime", 0.1}, {"exit", finish->at("context").at("status").as_int64() / 256}};
}

std::vector<json::value> recorded_jobs(const std::string& state) {
  std::vector<json::value> jobs;
  const json::value journal = capture(state + ".job-manager.events-journal.full");
  for (const json::value& reply : journal.at("responses").as_array())
    if (reply.at("payload").at("id") != -1) jobs.push_back(reply.at("payload"));
  std::ranges::sort(jobs, {}, [](const json::value& job) { return job.at("id").as_int64(); });
  return jobs;
}

// Submits the recorded jobs one after the other, at the recorded distance, and ends those that had ended.
void replay(Bench& bench, const std::string& state) {
  EXPECT_EQ(bench.call("job-manager.queue-start", {{"start", true}, {"all", true}}).at("errnum"), 0);
  for (const json::value& recorded : recorded_jobs(state)) {
    json::object jobspec = as_submitted(recorded);
    if (json::object how = fate(recorded); !how.empty())
      jobspec["attributes"].as_object()["system"].as_object()["simulate"] = std::move(how);
    const Time submitted = event_of(recorded, "submit")->at("timestamp").to_number<double>();
    bench.instance().advance(std::max(bench.now(), submitted));
    const flux::JobId id =
        bench.submit(jobspec, event_of(recorded, "submit")->at("context").at("urgency").as_int64());
    bench.advance(0.1);
    const json::value* exception = event_of(recorded, "exception");
    if (exception != nullptr && exception->at("context").at("type") == "cancel") {
      EXPECT_EQ(
          bench.call("job-manager.raise", {{"id", id}, {"severity", 0}, {"type", "cancel"}}).at("errnum"), 0);
    }
    if (event_of(recorded, "clean") != nullptr) bench.advance(1.5);
  }
  bench.advance(1);
}

// As state 02, with the seven jobs that had been purged before.
void mixed(Bench& bench) {
  EXPECT_EQ(bench.call("job-manager.queue-start", {{"start", true}, {"all", true}}).at("errnum"), 0);
  for (int i = 0; i < 7; ++i)
    bench.submit(JobRequest{.slots = 1, .duration = 0.1, .queue = i < 6 ? "batch" : "debug"});
  bench.advance(1);
  EXPECT_EQ(bench.payload("job-manager.purge",
                          {{"age_limit", -1.0}, {"num_limit", 0}, {"force", true}, {"batch", 50}}),
            json::value({{"count", 7}}));
  replay(bench, "02-mixed");
}

void expect_same(Bench& bench, const std::string& state, const std::string& topic,
                 const json::value& request = nullptr, const std::string& suffix = "") {
  const json::value recorded = captured_reply(state + "." + topic + suffix);
  EXPECT_EQ(bench.call(topic, request), recorded) << topic;
}

void expect_same_nodes_and_counts(Bench& bench, const std::string& state) {
  for (const char* topic :
       {"job-list.job-stats", "resource.status", "resource.sched-status", "sched.resource-status",
        "job-manager.resource-status", "job-manager.alloc-query", "job-manager.queue-list", "resource.get"})
    expect_same(bench, state, topic);
  for (const std::string queue : {"batch", "debug"})
    expect_same(bench, state, "job-manager.queue-status", {{"name", queue}}, "." + queue);
  expect_same(bench, state, "groups.get", {{"name", "broker.online"}}, ".broker.online");
}

// Jobs by name, without what differs from run to run: ids, times, forecasts.
std::map<std::string, json::object> by_name(const json::value& reply) {
  std::map<std::string, json::object> jobs;
  for (const json::value& job : reply.at("payload").at("jobs").as_array()) {
    json::object kept = job.as_object();
    kept.erase("id");
    kept.erase("dependencies");
    for (const auto& member : job.as_object())
      if (member.key().starts_with("t_")) kept[member.key()] = "a time";
    if (kept.contains("expiration") && kept["expiration"] != 0.0) kept["expiration"] = "a time";
    if (kept.contains("annotations") && kept["annotations"].at("sched").as_object().contains("t_estimate"))
      kept.erase("annotations");
    jobs.emplace(std::string(job.at("name").as_string()), kept);
  }
  return jobs;
}

std::vector<std::string> order(const json::value& reply) {
  std::vector<std::string> names;
  for (const json::value& job : reply.at("payload").at("jobs").as_array())
    names.emplace_back(job.at("name").as_string());
  return names;
}

void expect_same_jobs(Bench& bench, const std::string& state) {
  const std::string name = state + ".job-list.list.all-attrs";
  const json::value recorded = captured_reply(name);
  const json::value ours = bench.call("job-list.list", capture(name).at("request"));
  EXPECT_EQ(order(ours), order(recorded));
  const auto expected = by_name(recorded);
  const auto got = by_name(ours);
  for (const auto& [job, attributes] : expected)
    EXPECT_EQ(json::value(got.at(job)), json::value(attributes)) << job;
}

TEST(Captures, AnEmptyInstance) {
  Bench bench(four_nodes());
  expect_same_nodes_and_counts(bench, "01-empty");
  expect_same(bench, "01-empty", "job-list.list", {{"max_entries", 0}, {"attrs", {"all"}}}, ".all-attrs");
  expect_same(bench, "01-empty", "job-manager.list", {{"max_entries", 0}});
}

TEST(Captures, AMixedQueue) {
  Bench bench(four_nodes());
  mixed(bench);
  expect_same_nodes_and_counts(bench, "02-mixed");
  expect_same_jobs(bench, "02-mixed");
}

TEST(Captures, EndedJobs) {
  Bench bench(four_nodes());
  mixed(bench);
  const json::value recorded = captured_reply("02-mixed.job-list.list.inactive");
  const json::value ours =
      bench.call("job-list.list", capture("02-mixed.job-list.list.inactive").at("request"));
  EXPECT_EQ(order(ours), order(recorded));
  const auto got = by_name(ours);
  for (auto [job, attributes] : by_name(recorded)) {
    json::object mine = got.at(job);
    if (attributes.at("exception_occurred").as_bool() && attributes.at("exception_type") == "exec") {
      // That program did not exist. A simulated job just ends with its exit code.
      EXPECT_EQ(mine.at("waitstatus"), attributes.at("waitstatus"));
      EXPECT_EQ(mine.at("result"), attributes.at("result"));
      continue;
    }
    // Where a job ran depends on what ran beside it just then.
    for (const char* key : {"ranks", "nodelist", "annotations"}) {
      EXPECT_TRUE(mine.contains(key)) << job;
      mine.erase(key);
      attributes.erase(key);
    }
    EXPECT_EQ(json::value(mine), json::value(attributes)) << job;
  }
}

TEST(Captures, DrainedNodes) {
  Bench bench(four_nodes());
  mixed(bench);
  bench.instance().advance(1795319502.02);
  for (const std::string step :
       {"ok", "again-error", "update", "overwrite", "hostname", "badrank", "badhost", "badmode"}) {
    const json::value recorded = capture("03-drained.resource.drain." + step);
    json::value expected = recorded.at("responses").at(0);
    expected.as_object().erase("errname");
    EXPECT_EQ(bench.call("resource.drain", recorded.at("request")), expected) << step;
  }
  for (const char* topic :
       {"resource.status", "resource.sched-status", "sched.resource-status", "job-list.job-stats"})
    expect_same(bench, "03-drained", topic);
  for (const std::string step : {"ok", "again-error", "update", "with-reason"}) {
    if (step == "with-reason") {
      EXPECT_EQ(bench.call("resource.drain", {{"targets", "2"}, {"reason", "tmp"}}).at("errnum"), 0);
    }
    const json::value recorded = capture("03-drained.resource.undrain." + step);
    json::value expected = recorded.at("responses").at(0);
    expected.as_object().erase("errname");
    EXPECT_EQ(bench.call("resource.undrain", recorded.at("request")), expected) << step;
  }
}

// Names and contexts of a journal's events, without the coming online at the start.
json::array story(const std::vector<json::value>& replies) {
  json::array events;
  for (const json::value& reply : replies)
    for (const json::value& event : reply.at("payload").at("events").as_array())
      if (event.at("name") != "online") events.push_back(json::array{event.at("name"), event.at("context")});
  return events;
}

TEST(Captures, TheResourceJournalOfDrains) {
  Bench bench(four_nodes());
  for (const std::string step : {"ok", "update", "overwrite", "hostname"})
    bench.call("resource.drain", capture("03-drained.resource.drain." + step).at("request"));
  const std::uint32_t tag = bench.ask("resource.journal", nullptr, flux::flag::streaming);
  std::vector<json::value> ours;
  for (const flux::Message& reply : bench.replies(tag))
    ours.push_back(Bench::shown(reply));
  const json::array recorded = capture("03-drained.resource.journal").at("responses").as_array();
  ASSERT_EQ(ours.size(), recorded.size());
  EXPECT_EQ(story(ours), story({recorded.begin(), recorded.end()}));
  EXPECT_EQ(ours[1].at("payload").at("R"), recorded[1].at("payload").at("R"));
  EXPECT_EQ(ours.back(), recorded.back());  // the end of the backlog
}

TEST(Captures, ManySizes) {
  Bench bench(four_nodes());
  bench.instance().advance(1795320062.0);
  replay(bench, "15-sizes");
  expect_same_nodes_and_counts(bench, "15-sizes");
  expect_same_jobs(bench, "15-sizes");
  const json::value recorded = captured_reply("15-sizes.job-list.list.inactive");
  const json::value ours =
      bench.call("job-list.list", capture("15-sizes.job-list.list.inactive").at("request"));
  EXPECT_EQ(order(ours), order(recorded));
  EXPECT_EQ(by_name(ours), by_name(recorded));  // both could never run, and say so in the scheduler's words
}

TEST(Captures, TheEventsJournal) {
  Bench bench(four_nodes());
  bench.instance().advance(1795320062.0);
  replay(bench, "15-sizes");
  const std::uint32_t tag = bench.ask("job-manager.events-journal", {{"full", true}}, flux::flag::streaming);
  std::map<std::string, json::value> ours;
  const auto replies = bench.replies(tag);
  EXPECT_EQ(json::parse(replies.back().payload), json::value({{"id", -1}, {"events", json::array()}}));
  for (const flux::Message& reply : replies) {
    EXPECT_EQ(reply.flags, 75);
    const json::value value = json::parse(reply.payload);
    if (value.at("id") == -1) continue;
    ours[std::string(value.at("jobspec").at("attributes").at("system").at("job").at("name").as_string())] =
        value;
  }
  for (const json::value& recorded : recorded_jobs("15-sizes")) {
    const json::value& system = recorded.at("jobspec").at("attributes").at("system");
    const std::string name(system.at("job").at("name").as_string());
    if (name == "p-dep") continue;  // the simulator knows no dependencies between jobs
    ASSERT_TRUE(ours.contains(name));
    EXPECT_EQ(ours[name].at("jobspec"), recorded.at("jobspec")) << name;
    EXPECT_EQ(ours[name].as_object().contains("R"), recorded.as_object().contains("R")) << name;
    const json::array& expected = recorded.at("events").as_array();
    const json::array& got = ours[name].at("events").as_array();
    ASSERT_EQ(got.size(), expected.size()) << name;
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].at("name"), expected[i].at("name")) << name;
      EXPECT_EQ(got[i].as_object().contains("context"), expected[i].as_object().contains("context"));
      if (got[i].as_object().contains("context")) {
        EXPECT_EQ(got[i].at("context"), expected[i].at("context")) << name;
      }
    }
  }
}

TEST(Captures, WhatSubmissionsAreAnswered) {
  Bench bench(four_nodes());
  for (const std::string name : {"bad-jobspec", "bad-queue", "bad-sign"}) {
    const json::value recorded = capture("15-sizes.job-ingest.submit." + name);
    const std::uint32_t tag = bench.ask("job-ingest.submit", recorded.at("request"));
    EXPECT_TRUE(bench.replies(tag).empty()) << "it takes a while to check a jobspec";
    bench.advance(0.1);
    ASSERT_EQ(bench.replies(tag).size(), 1U);
    json::value expected = recorded.at("responses").at(0);
    expected.as_object().erase("errname");
    EXPECT_EQ(Bench::shown(bench.replies(tag).front()), expected) << name;
  }
  const std::uint32_t tag =
      bench.ask("job-ingest.submit", capture("15-sizes.job-ingest.submit.ok").at("request"));
  bench.advance(0.1);
  const auto replies = bench.replies(tag);
  ASSERT_EQ(replies.size(), 1U);
  const flux::JobId id = json::parse(replies.front().payload).at("id").as_int64();
  EXPECT_EQ(bench.jobs().find(id)->terms.request.name, "run-2x2x2");
}

TEST(Captures, ErrorsOfJobLists) {
  Bench bench(four_nodes());
  for (const std::string name : {"bad-attr", "bad-op", "missing-attrs"}) {
    const json::value recorded = capture("constraints." + name);
    json::value expected = recorded.at("responses").at(0);
    expected.as_object().erase("errname");
    EXPECT_EQ(bench.call("job-list.list", recorded.at("request")), expected) << name;
  }
  EXPECT_EQ(bench.call("job-info.lookup", capture("job-info.lookup.no-such-job").at("request")),
            json::value({{"errnum", 2}, {"errtext", "invalid job id"}}));
  EXPECT_EQ(bench.call("job-list.list-id", capture("job-list.list-id.unknown").at("request")),
            json::value({{"errnum", 2}, {"errtext", nullptr}}));
  EXPECT_EQ(bench.call("kvs.lookup", capture("kvs.lookup.enoent").at("request")),
            json::value({{"errnum", 2}, {"errtext", nullptr}}));
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
