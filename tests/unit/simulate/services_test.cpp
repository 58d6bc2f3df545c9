// What the services answer where the wire has its own ways: errors, roles, ranks, streams, events, lists.
#include <set>

#include "bench.hpp"
#include "simulate/job_filter.hpp"

namespace fluxmetrics::simulate::test {
namespace {

using flux::flag::streaming;

Options two_of_four() {
  Options options;
  options.size = 2;
  options.max_size = 4;
  options.cores = 4;
  return options;
}

json::value failure(int errnum, json::value text = nullptr) {
  return {{"errnum", errnum}, {"errtext", text}};
}

TEST(Services, UnknownTopicsAreRefusedByName) {
  Bench bench(two_of_four());
  EXPECT_EQ(bench.call("resource.nosuch"), failure(ENOSYS, "Unknown service method 'resource.nosuch'"));
  EXPECT_EQ(bench.call("nosuch.thing"), failure(ENOSYS, "No service matching nosuch.thing is registered"));
  EXPECT_EQ(bench.call("groups.get-cancel"), failure(ENOSYS, "Unknown service method 'groups.get-cancel'"));
  EXPECT_TRUE(bench.replies(bench.ask("job-list.disconnect")).empty());
}

TEST(Services, PayloadsMustBeObjects) {
  Bench bench(two_of_four());
  EXPECT_EQ(bench.call("attr.get"), failure(EPROTO));
  EXPECT_EQ(bench.call("attr.get", json::array{"size"}), failure(EPROTO));
  EXPECT_EQ(bench.call("attr.get", {{"name", 1}}), failure(EPROTO));
  for (const bool terminated : {true, false}) {
    flux::Message message;
    message.flags = flux::flag::topic | flux::flag::payload;
    message.topic = "attr.get";
    message.payload = terminated ? "{\"name\":" : "{\"name\":\"size\"}";
    message.payload_terminated = terminated;
    message.aux2 = 77;
    bench.services_.handle(bench.inbox_, message);
    EXPECT_EQ(Bench::shown(bench.inbox_->messages.back()), failure(EPROTO));
  }
}

TEST(Services, RepliesCarryTheRequestsTagAndTheOwnersName) {
  Bench bench(two_of_four());
  const auto reply = bench.replies(bench.ask("attr.get", {{"name", "size"}})).at(0);
  EXPECT_EQ(reply.flags, 11);
  EXPECT_EQ(reply.userid, owner);
  EXPECT_EQ(reply.rolemask, 5U);
  EXPECT_EQ(reply.topic, "attr.get");
  EXPECT_TRUE(reply.routes.empty());
  EXPECT_EQ(reply.payload, R"({"value":"4","flags":1})");
  // The connection's own answers are signed by nobody.
  const auto subscribed = bench.replies(bench.ask("event.subscribe", {{"topic", "x"}})).at(0);
  EXPECT_EQ(subscribed.flags, 9);
  EXPECT_EQ(subscribed.userid, flux::userid_unset);
  EXPECT_EQ(subscribed.rolemask, 1U);
  EXPECT_TRUE(bench.replies(bench.ask("attr.get", {{"name", "size"}}, flux::flag::noresponse)).empty());
}

TEST(Services, AttributesAreThoseOfAMiniCluster) {
  Bench bench(two_of_four());
  const auto value = [&](const char* name) {
    return bench.payload("attr.get", {{"name", name}}).at("value");
  };
  EXPECT_EQ(value("size"), "4");
  EXPECT_EQ(value("rank"), "0");
  EXPECT_EQ(value("instance-level"), "0");
  EXPECT_EQ(value("hostlist"), "flux-sample-[0-3]");
  EXPECT_EQ(value("broker.boot-method"), "config");
  EXPECT_EQ(value("security.owner"), "0");
  EXPECT_EQ(value("local-uri"), "local:///run/flux/local");
  EXPECT_EQ(bench.call("attr.get", {{"name", "parent-uri"}}), failure(ENOENT));
  const json::value names = bench.payload("attr.list").at("names");
  for (const json::value& name : names.as_array())
    EXPECT_FALSE(value(name.as_string().c_str()).as_string().empty());
}

TEST(Services, OtherRanksAnswerLittle) {
  Bench bench(two_of_four());
  const auto at = [&](const char* topic, std::uint32_t rank, const json::value& payload = json::object()) {
    return bench.call(topic, payload, 0, rank);
  };
  EXPECT_EQ(at("attr.get", 1, {{"name", "rank"}}).at("payload").at("value"), "1");
  EXPECT_EQ(at("attr.get", 0, {{"name", "rank"}}).at("payload").at("value"), "0");
  EXPECT_EQ(at("resource.status", 1), failure(EPROTO, "this RPC only works on rank 0"));
  EXPECT_EQ(at("groups.get", 1, {{"name", "x"}}), failure(EPROTO, "this RPC is only available on rank 0"));
  EXPECT_EQ(at("job-list.job-stats", 1),
            failure(ENOSYS, "No service matching job-list.job-stats is registered"));
  EXPECT_EQ(at("overlay.health", 1).at("payload").at("children"), json::array());
  EXPECT_EQ(at("attr.get", 3, {{"name", "rank"}}), failure(EHOSTUNREACH)) << "offline";
  EXPECT_EQ(at("attr.get", 99, {{"name", "rank"}}), failure(EHOSTUNREACH));
}

TEST(Services, GuestsMayDoWhatTheCapturesSay) {
  Bench bench(two_of_four());
  const json::value recorded = capture("guest.permissions");
  int refused = 0;
  for (const json::value& call : recorded.at("calls").as_array()) {
    const std::string topic(call.at("topic").as_string());
    if (call.as_object().contains("note")) continue;  // about the connector, not the service
    if (!call.at("responses").at(0).as_object().contains("errnum")) continue;
    const json::value& expected = call.at("responses").at(0);
    const bool stream = call.at("streaming").as_bool();
    const std::uint32_t tag =
        bench.ask(topic, call.at("request"), stream ? streaming : std::uint8_t{0}, nullptr, 2);
    bench.advance(0.1);
    const auto replies = bench.replies(tag);
    ASSERT_FALSE(replies.empty()) << topic;
    if (expected.at("errnum") == EPERM && topic != "job-info.lookup" &&
        topic != "connector-local.stats-get" && topic != "sched-simple.stats-get") {
      ++refused;
      EXPECT_EQ(replies.front().errnum(), static_cast<std::uint32_t>(EPERM)) << topic;
    } else {
      EXPECT_NE(replies.front().errnum(), static_cast<std::uint32_t>(EPERM)) << topic;
    }
  }
  EXPECT_GE(refused, 14);
  const flux::JobId id = bench.submit(slots(1));
  EXPECT_EQ(bench.call("job-info.lookup", {{"id", id}, {"keys", {"eventlog"}}, {"flags", 0}}, 2),
            failure(EPERM, "access is restricted to job/instance owner"));
}

TEST(Services, QueuesMustBeNamedWhereThereAreSome) {
  Options options = two_of_four();
  options.queues = {{.name = "batch"}, {.name = "debug"}};
  Bench bench(options);
  EXPECT_EQ(bench.payload("job-manager.queue-list"), json::value({{"queues", {"batch", "debug"}}}));
  EXPECT_EQ(bench.call("job-manager.queue-status", json::object()),
            failure(EINVAL, "a named queue is required"));
  EXPECT_EQ(bench.call("job-manager.queue-status", {{"name", "x"}}),
            failure(EINVAL, "'x' is not a valid queue"));
  EXPECT_EQ(bench.payload("job-manager.queue-status", {{"name", "batch"}}),
            json::value({{"enable", true}, {"start", false}}));
  EXPECT_EQ(bench.call("job-manager.queue-start", {{"start", true}, {"all", false}}),
            failure(EINVAL, "Use --all to apply this command to all queues"));
  EXPECT_EQ(bench.call("job-manager.queue-start", {{"start", true}, {"all", true}}).at("errnum"), 0);
  EXPECT_EQ(bench
                .call("job-manager.queue-start",
                      {{"name", "debug"}, {"start", false}, {"all", false}, {"reason", "night"}})
                .at("errnum"),
            0);
  EXPECT_EQ(bench.payload("job-manager.queue-status", {{"name", "debug"}}),
            json::value({{"enable", true}, {"start", false}, {"stop_reason", "night"}}));
  EXPECT_EQ(bench.call("job-manager.queue-enable", {{"name", "batch"}, {"enable", false}, {"all", false}}),
            failure(EINVAL, "reason is required for disable"));
  EXPECT_EQ(bench
                .call("job-manager.queue-enable",
                      {{"name", "batch"}, {"enable", false}, {"all", false}, {"reason", "x"}})
                .at("errnum"),
            0);
  const auto refused = [&](const std::string& queue) {
    JobRequest request = slots(1);
    request.queue = queue;
    return bench.jobs()
        .submit({.J = wrap_unsigned(owner, json::serialize(*make_jobspec(request))),
                 .urgency = 16,
                 .userid = owner})
        .error();
  };
  EXPECT_EQ(refused("batch").message, "job submission to batch is disabled: x");
  EXPECT_EQ(refused("").message, "no queue specified");
  EXPECT_EQ(refused("x").message, "Invalid queue 'x' specified");
  EXPECT_EQ(refused("x").errnum, EPERM);
}

TEST(Services, TheAnonymousQueueIsStarted) {
  Bench bench(two_of_four());
  EXPECT_EQ(bench.payload("job-manager.queue-list"), json::value({{"queues", json::array()}}));
  EXPECT_EQ(bench.payload("job-manager.queue-status", json::object()),
            json::value({{"enable", true}, {"start", true}}));
  EXPECT_EQ(bench.payload("job-list.job-stats").at("queues"), json::array());
  for (const char* name : {"stop-anon", "start"})
    EXPECT_EQ(bench
                  .call("job-manager.queue-start",
                        capture(std::string("job-manager.queue-start.") + name).at("request"))
                  .at("errnum"),
              0);
}

TEST(Streams, JobStatsComeAtMostEvery200Milliseconds) {
  Bench bench(two_of_four());
  const std::uint32_t tag = bench.ask("job-list.job-stats", nullptr, streaming);
  ASSERT_EQ(bench.replies(tag).size(), 1U);
  EXPECT_EQ(bench.replies(tag).front().flags, 75);
  for (int i = 0; i < 10; ++i)
    bench.submit(slots(1, 1000));
  bench.advance(0.19);
  EXPECT_EQ(bench.replies(tag).size(), 1U);
  bench.advance(0.05);
  EXPECT_EQ(bench.replies(tag).size(), 2U);
  EXPECT_EQ(json::parse(bench.replies(tag).back().payload).at("job_states").at("run"), 8);
  bench.advance(100);
  EXPECT_EQ(bench.replies(tag).size(), 2U) << "only changes are told";
}

TEST(Streams, GroupsAndHealthFollowTheBrokers) {
  Bench bench(two_of_four());
  const std::uint32_t group = bench.ask("groups.get", {{"name", "broker.online"}}, streaming);
  const std::uint32_t torpid = bench.ask("groups.get", {{"name", "broker.torpid"}}, streaming);
  const std::uint32_t health = bench.ask("overlay.health", nullptr, streaming);
  const std::uint32_t journal = bench.ask("resource.journal", nullptr, streaming);
  const std::size_t backlog = bench.replies(journal).size();
  ASSERT_TRUE(bench.instance().online(flux::IdSet::range(2, 3)));
  bench.advance(1);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::lost));
  bench.advance(1);
  const auto last = [&](std::uint32_t tag) { return json::parse(bench.replies(tag).back().payload); };
  EXPECT_EQ(bench.replies(group).size(), 3U);
  EXPECT_EQ(last(group).at("members"), "0-2");
  EXPECT_EQ(bench.replies(torpid).size(), 1U);
  EXPECT_EQ(last(torpid).at("members"), "");
  EXPECT_EQ(last(health).at("status"), "degraded");
  const auto events = bench.replies(journal);
  ASSERT_EQ(events.size(), backlog + 2);
  EXPECT_EQ(json::parse(events[backlog].payload).at("events").at(0).at("name"), "online");
  EXPECT_EQ(json::parse(events[backlog].payload).at("events").at(0).at("context"),
            json::value({{"idset", "2-3"}}));
  EXPECT_EQ(json::parse(events[backlog + 1].payload).at("events").at(0).at("name"), "offline");
}

TEST(Streams, JournalsNeedTheFlagAndCanBeCancelled) {
  Bench bench(two_of_four());
  EXPECT_EQ(bench.call("resource.journal"), failure(EPROTO, "journal requires streaming RPC flag"));
  EXPECT_EQ(bench.call("job-manager.events-journal", json::object()),
            failure(EPROTO, "job-manager.events requires streaming RPC flag"));
  const std::uint32_t events = bench.ask("job-manager.events-journal", json::object(), streaming);
  const std::uint32_t resources = bench.ask("resource.journal", nullptr, streaming);
  bench.ask("job-manager.events-journal-cancel", {{"matchtag", resources}}, flux::flag::noresponse);
  EXPECT_EQ(bench.replies(resources).back().errnum(), 0U) << "that is another service's stream";
  bench.ask("job-manager.events-journal-cancel", {{"matchtag", events}}, flux::flag::noresponse);
  bench.ask("resource.journal-cancel", {{"matchtag", resources}}, flux::flag::noresponse);
  EXPECT_EQ(Bench::shown(bench.replies(events).back()), failure(ENODATA));
  EXPECT_EQ(Bench::shown(bench.replies(resources).back()), failure(ENODATA));
  const std::size_t before = bench.replies(events).size();
  bench.submit(slots(1));
  EXPECT_EQ(bench.replies(events).size(), before);
}

TEST(Streams, TheJobJournalTellsWhatHappensWhenItHappens) {
  Bench bench(two_of_four());
  const std::uint32_t all = bench.ask("job-manager.events-journal", json::object(), streaming);
  const std::uint32_t few =
      bench.ask("job-manager.events-journal", {{"allow", {{"alloc", 1}, {"clean", 1}}}}, streaming);
  const std::uint32_t less = bench.ask("job-manager.events-journal", {{"deny", {{"submit", 1}}}}, streaming);
  const flux::JobId id = bench.submit(slots(1, 1));
  bench.advance(5);
  Names names;
  for (const flux::Message& reply : bench.replies(all)) {
    const json::value value = json::parse(reply.payload);
    if (value.at("id") == -1) continue;
    EXPECT_EQ(value.at("id"), id);
    ASSERT_EQ(value.at("events").as_array().size(), 1U);
    const std::string name(value.at("events").at(0).at("name").as_string());
    EXPECT_EQ(value.as_object().contains("jobspec"), name == "submit");
    EXPECT_EQ(value.as_object().contains("R"), name == "alloc");
    names.push_back(name);
  }
  EXPECT_EQ(names, (Names{"submit", "validate", "depend", "priority", "annotations", "alloc", "start",
                          "finish", "release", "free", "clean"}));
  EXPECT_EQ(bench.replies(few).size(), 1U + 2U);
  EXPECT_EQ(bench.replies(less).size(), 1U + 10U);
}

TEST(Streams, TheBacklogComesInNoOrderAndEndsWithASentinel) {
  Bench bench(two_of_four());
  std::vector<flux::JobId> submitted;
  for (int i = 0; i < 8; ++i)
    submitted.push_back(bench.submit(slots(1, 1000)));
  bench.submit(slots(1, 0.1));
  bench.advance(2);
  std::vector<flux::JobId> got;
  for (const flux::Message& reply :
       bench.replies(bench.ask("job-manager.events-journal", json::object(), streaming)))
    got.push_back(json::parse(reply.payload).at("id").as_int64());
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back(), -1);
  got.pop_back();
  EXPECT_FALSE(std::ranges::is_sorted(got)) << "readers may not rely on an order";
  std::ranges::sort(got);
  std::erase_if(submitted, [&](flux::JobId id) { return !bench.jobs().find(id)->active(); });
  EXPECT_TRUE(std::ranges::includes(got, submitted));
}

TEST(Streams, AnEventlogIsWatchedToItsEnd) {
  Bench bench(two_of_four());
  const flux::JobId id = bench.submit(slots(1, 1));
  const json::object request{{"id", id}, {"path", "eventlog"}, {"flags", 0}};
  const std::uint32_t tag = bench.ask("job-info.eventlog-watch", request, streaming);
  EXPECT_EQ(bench.replies(tag).size(), 1U);
  bench.advance(5);
  const auto replies = bench.replies(tag);
  EXPECT_EQ(replies.size(), 10U + 1U);
  EXPECT_EQ(Bench::shown(replies.back()), failure(ENODATA));
  EXPECT_EQ(bench.replies(bench.ask("job-info.eventlog-watch", request, streaming)).size(), 11U);
}

TEST(Streams, EndWithTheirClient) {
  Bench bench(two_of_four());
  auto leaving = std::make_shared<Inbox>();
  bench.ask("job-list.job-stats", nullptr, streaming, leaving);
  bench.ask("event.subscribe", {{"topic", ""}}, 0, leaving);
  const std::size_t before = leaving->messages.size();
  bench.services_.forget(leaving.get());
  bench.submit(slots(1));
  bench.advance(10);
  EXPECT_EQ(leaving->messages.size(), before);
  EXPECT_EQ(bench.services_.streams().count(Streams::Kind::job_stats), 0U);
}

TEST(Events, GoToThoseWhoAskedForTheirPrefix) {
  Bench bench(two_of_four());
  auto beats = std::make_shared<Inbox>();
  auto everything = std::make_shared<Inbox>();
  bench.ask("event.subscribe", {{"topic", "heartbeat"}}, 0, beats);
  bench.ask("event.subscribe", {{"topic", ""}}, 0, everything);
  const flux::JobId id = bench.submit(slots(1));
  bench.advance(0.5);
  ASSERT_TRUE(bench.jobs().raise(id, "cancel", 0, "", owner));
  bench.advance(6);
  ASSERT_EQ(beats->messages.size(), 1U + 3U) << "every 2 s";
  const flux::Message& beat = beats->messages.back();
  EXPECT_EQ(beat.type, flux::MessageType::event);
  EXPECT_EQ(beat.topic, "heartbeat.pulse");
  EXPECT_EQ(beat.flags, 9);
  EXPECT_EQ(beat.rolemask, 5U);
  ASSERT_EQ(beat.routes.size(), 1U) << "a real broker's events show who forwarded them";
  EXPECT_EQ(beat.routes.front().size(), 36U);
  ASSERT_EQ(everything->messages.size(), 1U + 4U);
  const flux::Message& exception = everything->messages.at(1);
  EXPECT_EQ(exception.topic, "job-exception");
  EXPECT_EQ(exception.flags, 43);
  EXPECT_EQ(json::parse(exception.payload), json::value({{"id", id}, {"type", "cancel"}, {"severity", 0}}));
  EXPECT_LT(exception.aux1, beat.aux1) << "sequence numbers grow";

  const auto unsubscribe = [&] {
    const std::uint32_t tag = bench.ask("event.unsubscribe", {{"topic", "heartbeat"}}, 0, beats);
    static_cast<void>(tag);
    return beats->messages.back().errnum();
  };
  EXPECT_EQ(unsubscribe(), 0U);
  EXPECT_EQ(unsubscribe(), static_cast<std::uint32_t>(ENOENT));
}

json::value list(Bench& bench, json::object request) {
  if (!request.contains("max_entries")) request["max_entries"] = 0;
  if (!request.contains("attrs")) request["attrs"] = json::array{"state"};
  return bench.call("job-list.list", request);
}

std::set<flux::JobId> ids(const json::value& reply) {
  std::set<flux::JobId> ids;
  for (const json::value& job : reply.at("payload").at("jobs").as_array())
    ids.insert(job.at("id").as_int64());
  return ids;
}

TEST(JobList, FiltersOrdersAndCuts) {
  Bench bench(two_of_four());
  const flux::JobId ended = bench.submit(slots(1, 0.1));
  bench.advance(1);
  const Time between = bench.now();
  bench.advance(1);
  const flux::JobId late = bench.submit(slots(1, 0.1));
  bench.advance(1);
  const flux::JobId runs = bench.submit(nodes(2));
  bench.advance(1);
  const flux::JobId waits = bench.submit(nodes(1));
  bench.advance(1);
  const auto with = [&](json::object constraint) {
    return ids(list(bench, {{"constraint", std::move(constraint)}}));
  };
  EXPECT_EQ(with({{"states", {"pending"}}}), std::set{waits});
  EXPECT_EQ(with({{"states", {"running", 64}}}), (std::set{ended, late, runs}));
  EXPECT_EQ(with({{"states", json::array()}}), std::set<flux::JobId>());
  EXPECT_EQ(with({}), (std::set{ended, late, runs, waits}));
  EXPECT_EQ(with({{"not", {{{"states", {"inactive"}}}}}}), (std::set{runs, waits}));
  EXPECT_EQ(with({{"or", {{{"states", {"run"}}}, {{"states", {"sched"}}}}}}), (std::set{runs, waits}));
  EXPECT_EQ(with({{"and", {{{"states", {"active"}}}, {{"ranks", {"1"}}}}}}), std::set{runs});
  EXPECT_EQ(with({{"hostlist", {"flux-sample-[1-3]"}}}), std::set{runs});
  EXPECT_EQ(with({{"results", {"completed"}}}), (std::set{ended, late}));
  EXPECT_EQ(with({{"userid", {0}}}).size(), 4U);
  EXPECT_EQ(with({{"userid", {1}}}).size(), 0U);
  EXPECT_EQ(with({{"name", {"sleep"}}}).size(), 4U);
  EXPECT_EQ(with({{"queue", {"x"}}}).size(), 0U);
  EXPECT_EQ(with({{"t_inactive", {">=" + std::to_string(between)}}}), std::set{late});
  EXPECT_EQ(ids(list(bench, {{"since", between}})), (std::set{late, runs, waits}))
      << "only ended jobs are cut";
  // As before Flux 0.53.
  EXPECT_EQ(ids(list(bench, {{"userid", 0}, {"states", 64}, {"results", 0}})), (std::set{ended, late}));
  const json::value all = list(bench, {});
  std::vector<flux::JobId> order;
  for (const json::value& job : all.at("payload").at("jobs").as_array())
    order.push_back(job.at("id").as_int64());
  EXPECT_EQ(order, (std::vector{waits, runs, late, ended}));
  EXPECT_EQ(ids(list(bench, {{"max_entries", 1}})), std::set{waits});
  EXPECT_EQ(list(bench, {{"max_entries", 1}, {"attrs", json::array()}}).at("payload").at("jobs").at(0),
            json::value({{"id", waits}}));
}

TEST(JobList, BadConstraintsAreNamed) {
  Bench bench(two_of_four());
  const auto error = [&](const char* constraint) {
    return std::string(list(bench, {{"constraint", json::parse(constraint)}}).at("errtext").as_string());
  };
  EXPECT_TRUE(contains(error(R"({"states":["bogus"]})"), "invalid states value 'bogus' specified"));
  EXPECT_TRUE(
      contains(error(R"({"states":["run"],"queue":["x"]})"), "constraint must only contain 1 element"));
  EXPECT_TRUE(contains(error(R"({"and":"x"})"), "values not an array"));
  EXPECT_TRUE(contains(error(R"({"ranks":["x-"]})"), "ranks value 'x-'"));
  EXPECT_TRUE(contains(error(R"({"t_run":["5"]})"), "no comparison operator"));
  EXPECT_TRUE(contains(error(R"([])"), "must be JSON object"));
  json::value deep = {{"states", {"run"}}};
  for (int i = 0; i < 100; ++i)
    deep = json::object{{"not", json::array{std::move(deep)}}};
  EXPECT_TRUE(contains(read_filter(deep).error().message, "too deeply"));
  EXPECT_EQ(list(bench, {{"max_entries", -1}}),
            failure(EPROTO, "invalid payload: max_entries < 0 not allowed"));
}

TEST(JobList, StreamsOneJobAReply) {
  Bench bench(two_of_four());
  for (int i = 0; i < 3; ++i)
    bench.submit(slots(1));
  bench.advance(1);
  const auto replies =
      bench.replies(bench.ask("job-list.list", {{"max_entries", 0}, {"attrs", {"state"}}}, streaming));
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(json::parse(replies[0].payload).at("version"), 1);
  EXPECT_FALSE(json::parse(replies[1].payload).as_object().contains("version"));
  EXPECT_EQ(Bench::shown(replies[3]), failure(ENODATA));
}

TEST(JobInfo, GivesTextOrDecoded) {
  Bench bench(two_of_four());
  const flux::JobId id = bench.submit(slots(1));
  EXPECT_EQ(bench.call("job-info.lookup", {{"id", id}, {"keys", {"R"}}, {"flags", 0}}),
            failure(ENOENT, "R: key not found"));
  EXPECT_EQ(bench.call("job-manager.getattr", {{"id", id}, {"attrs", {"R"}}}), failure(ENOENT, "R is NULL"));
  bench.advance(1);
  const json::value text =
      bench.payload("job-info.lookup", {{"id", id}, {"keys", {"R", "J", "eventlog"}}, {"flags", 0}});
  const json::value decoded =
      bench.payload("job-info.lookup", {{"id", id}, {"keys", {"R", "jobspec"}}, {"flags", 3}});
  EXPECT_EQ(json::parse(text.at("R").as_string()), decoded.at("R"));
  EXPECT_EQ(bench.payload("job-manager.getattr", {{"id", id}, {"attrs", {"R", "jobspec"}}}),
            json::value({{"R", decoded.at("R")}, {"jobspec", decoded.at("jobspec")}}));
  EXPECT_EQ(unwrap_unsigned(text.at("J").as_string())->userid, owner);
  EXPECT_EQ(bench.call("job-manager.getattr", {{"id", 12345}, {"attrs", {"R"}}}),
            failure(EINVAL, "unknown job"));
}

TEST(Kvs, HoldsResourcesAndJobs) {
  Bench bench(two_of_four());
  const auto value = [&](const std::string& key) {
    return bench.payload("kvs.lookup", {{"key", key}, {"namespace", "primary"}, {"flags", 0}})
        .at("val")
        .at("data");
  };
  EXPECT_TRUE(contains(std::string(value("resource.R").as_string()), "eyJ2ZXJzaW9uIjox"));
  EXPECT_FALSE(value("resource.eventlog").as_string().empty());
  bench.advance(212.328);
  const flux::JobId id = bench.submit(slots(1));
  std::string key = "job.";
  for (int shift = 48; shift >= 0; shift -= 16)
    key += fmt::format("{:04x}.", (static_cast<std::uint64_t>(id) >> static_cast<unsigned>(shift)) & 0xffffU);
  EXPECT_FALSE(value(key + "jobspec").as_string().empty());
  EXPECT_EQ(bench.call("kvs.lookup", {{"key", key + "nosuch"}, {"namespace", "primary"}, {"flags", 0}}),
            failure(ENOENT));
}

TEST(Simulate, CountsTheRequestsOfItsClients) {
  Bench bench(two_of_four());
  bench.call("resource.status");
  bench.call("resource.status");
  bench.call("no.such.topic");
  bench.call("simulate.clock");
  EXPECT_EQ(bench.payload("simulate.stats"),
            json::value({{"requests", 3}, {"topics", {{"no.such.topic", 1}, {"resource.status", 2}}}}));
}

TEST(Simulate, IsSteeredByItsOwnTopics) {
  Bench bench(two_of_four());
  EXPECT_EQ(bench.call("simulate.online", {{"ranks", "2-3"}}).at("errnum"), 0);
  bench.advance(1);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-3");
  EXPECT_EQ(bench.call("simulate.offline", {{"ranks", "3"}, {"how", "lost"}}).at("errnum"), 0);
  EXPECT_EQ(bench.call("simulate.offline", {{"ranks", "2"}, {"how", "shutdown"}}).at("errnum"), 0);
  bench.advance(1);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-1");
  EXPECT_EQ(bench.payload("simulate.clock"), json::value({{"now", bench.now()}, {"speed", 1.0}}));
  EXPECT_EQ(bench.call("simulate.offline", {{"ranks", "1"}, {"how", "x"}}).at("errnum"), EINVAL);
  EXPECT_EQ(bench.call("simulate.online", {{"ranks", "x"}}).at("errnum"), EINVAL);
  EXPECT_EQ(bench.call("simulate.online", {{"ranks", "9"}}).at("errnum"), EINVAL);
  EXPECT_EQ(bench.call("simulate.online", {{"ranks", "2"}}, 2).at("errnum"), EPERM);
}

TEST(Feasibility, IsAnsweredInTheSchedulersWords) {
  Bench bench(two_of_four());
  const json::value recorded = capture("feasibility.check");
  EXPECT_EQ(bench.call("feasibility.check", recorded.at("request")),
            failure(EOVERFLOW, "unsatisfiable request: need 7 node(s) with 1 cores each, only 4 eligible"));
  EXPECT_EQ(bench.call("feasibility.check", {{"jobspec", *make_jobspec(nodes(4))}}).at("errnum"), 0);
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
