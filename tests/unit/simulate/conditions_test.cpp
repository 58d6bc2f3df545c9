// Conditions that an instance can be in, beside its jobs: as real brokers were recorded in them.
#include "bench.hpp"

namespace fluxmetrics::simulate::test {
namespace {

constexpr std::uint32_t guest_role = 2;

Options sized(std::uint32_t size, std::uint32_t max_size) {
  Options options;
  options.size = size;
  options.max_size = max_size;
  options.cores = 8;
  options.gpus = 2;
  return options;
}

std::vector<std::string> topics_of(const std::string& service, std::initializer_list<const char*> methods) {
  std::vector<std::string> topics;
  for (const char* method : methods)
    topics.push_back(service + "." + method);
  return topics;
}

TEST(Conditions, ExcludedAndTorpidRanksLookAsRecorded) {
  Options options = sized(4, 4);
  options.queues = {{.name = "batch", .ranks = flux::IdSet::range(0, 3)},
                    {.name = "debug", .ranks = flux::IdSet::range(2, 3)}};
  options.excluded = flux::IdSet{1};
  Bench bench(options);
  ASSERT_TRUE(bench.instance().set_torpid(flux::IdSet{2}, true));
  for (const char* topic :
       {"resource.status", "resource.sched-status", "sched.resource-status", "resource.get"}) {
    EXPECT_EQ(bench.call(topic), captured_reply(std::string("20-exclude-torpid.") + topic)) << topic;
  }
  EXPECT_EQ(bench.payload("groups.get", {{"name", "broker.torpid"}}).at("members"), "2");
  EXPECT_EQ(bench.call("resource.drain", {{"targets", "1"}}).at("errtext"), "rank 1 excluded");
}

TEST(Conditions, NoJobRunsOnExcludedOrTorpidRanks) {
  Options options = sized(4, 4);
  options.excluded = flux::IdSet{0};
  Bench bench(options);
  ASSERT_TRUE(bench.instance().set_torpid(flux::IdSet{3}, true));
  const auto two = bench.submit(nodes(2));
  const auto one = bench.submit(nodes(1));
  const auto four = bench.submit(nodes(4));
  bench.advance(1);
  EXPECT_EQ(bench.jobs().find(two)->ranks, (flux::IdSet{1, 2}));
  EXPECT_EQ(bench.state(one), flux::JobState::sched);
  ASSERT_TRUE(bench.instance().set_torpid(flux::IdSet{3}, false));
  bench.advance(1);
  EXPECT_EQ(bench.jobs().find(one)->ranks, flux::IdSet{3});
  EXPECT_EQ(bench.state(four), flux::JobState::inactive) << "four nodes there never were";
}

TEST(Conditions, TorpidRanksAreTold) {
  Bench bench(sized(4, 4));
  const auto group = bench.ask("groups.get", {{"name", "broker.torpid"}}, flux::flag::streaming);
  const auto journal = bench.ask("resource.journal", json::object(), flux::flag::streaming);
  const auto backlog = bench.replies(journal).size();
  ASSERT_TRUE(bench.instance().set_torpid(flux::IdSet{2}, true));
  ASSERT_TRUE(bench.instance().set_torpid(flux::IdSet{2}, true));
  ASSERT_TRUE(bench.instance().set_torpid(flux::IdSet{2}, false));
  EXPECT_EQ(bench.replies(group).size(), 3U);
  const auto replies = bench.replies(journal);
  ASSERT_EQ(replies.size(), backlog + 2);
  EXPECT_EQ(json::parse(replies[backlog].payload).at("events").at(0).at("name"), "torpid");
  EXPECT_EQ(json::parse(replies[backlog + 1].payload).at("events").at(0).at("name"), "lively");
}

TEST(Conditions, AnInstanceThatFoundItsResourcesForgetsALostRank) {
  Options options = sized(4, 4);
  options.discovers = true;
  Bench bench(options);
  const auto job = bench.submit(nodes(4));
  bench.advance(1);
  EXPECT_EQ(bench.state(job), flux::JobState::run);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::lost));
  bench.advance(1);
  EXPECT_EQ(bench.payload("resource.status").at("offline"), "3");
  EXPECT_EQ(bench.payload("resource.status").at("R").at("execution").at("R_lite").at(0).at("rank"), "0-3");
  EXPECT_EQ(bench.payload("resource.sched-status").at("all").at("execution").at("R_lite").at(0).at("rank"),
            "0-2");
  EXPECT_TRUE(
      bench.payload("resource.sched-status").at("down").at("execution").at("R_lite").as_array().empty());
  EXPECT_EQ(bench.payload("resource.get").at("method"), "dynamic-discovery");
  EXPECT_FALSE(bench.instance().online(flux::IdSet{3}));
  const auto too_wide = bench.submit(nodes(4));
  bench.advance(1);
  EXPECT_EQ(bench.state(too_wide), flux::JobState::inactive);
}

TEST(Conditions, WithoutASchedulerNothingStartsAndTheQueueSaysWhy) {
  Options options = sized(2, 2);
  options.scheduler = false;
  Bench bench(options);
  const auto job = bench.submit(slots(1));
  bench.advance(1);
  EXPECT_EQ(bench.state(job), flux::JobState::sched);
  EXPECT_EQ(bench.call("job-manager.queue-status", json::object()),
            captured_reply("21-nosched.job-manager.queue-status"));
  EXPECT_EQ(bench.call("sched.resource-status").at("errtext"),
            "No service matching sched.resource-status is registered");
  EXPECT_EQ(bench.call("resource.sched-status").at("errnum"), 0);
  bench.instance().set_scheduler(true);
  bench.advance(1);
  EXPECT_EQ(bench.state(job), flux::JobState::run);
}

TEST(Conditions, AQuorumIsWaitedForOnce) {
  Options options = sized(1, 4);
  options.quorum = 3;
  Bench bench(options);
  const auto state = [&] { return bench.payload("state-machine.get").at("state"); };
  EXPECT_EQ(state(), "quorum");
  EXPECT_EQ(bench.payload("attr.get", {{"name", "broker.quorum"}}).at("value"), "3");
  ASSERT_TRUE(bench.instance().online(flux::IdSet{1, 2}));
  bench.advance(1);
  EXPECT_EQ(state(), "run");
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{2}, Departure::lost));
  bench.advance(1);
  EXPECT_EQ(state(), "run");
}

TEST(Conditions, ShuttingDownGoesTheRecordedWay) {
  Bench bench(sized(3, 4));
  const auto running = bench.submit(nodes(2));
  const auto waiting = bench.submit(nodes(4));
  bench.advance(1);
  const auto journal = bench.ask("job-manager.events-journal", json::object(), flux::flag::streaming);
  const auto stats = bench.ask("job-list.job-stats", json::object(), flux::flag::streaming);
  bench.instance().shut_down();
  bench.instance().shut_down();
  const auto state = [&] { return bench.payload("state-machine.get").at("state"); };
  bench.advance(0.3);
  EXPECT_EQ(state(), "cleanup");
  EXPECT_EQ(bench.state(running), flux::JobState::inactive);
  EXPECT_EQ(bench.state(waiting), flux::JobState::inactive);
  EXPECT_EQ(bench.payload("job-list.job-stats").at("canceled"), 2);
  bench.advance(2.2);
  EXPECT_EQ(state(), "shutdown");
  bench.advance(0.6);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0");
  bench.advance(0.5);
  EXPECT_EQ(state(), "finalize");
  EXPECT_EQ(bench.replies(journal).back().errnum(), 0U);
  bench.advance(0.6);
  EXPECT_EQ(bench.replies(journal).back().errnum(), static_cast<std::uint32_t>(ENODATA));
  EXPECT_EQ(bench.replies(stats).back().errnum(), 0U);
  EXPECT_EQ(bench.call("job-list.job-stats").at("errtext"),
            "No service matching job-list.job-stats is registered");
  EXPECT_EQ(state(), "finalize");
  EXPECT_FALSE(bench.services_.streams().ended());
  bench.advance(0.5);
  EXPECT_TRUE(bench.services_.streams().ended());
}

TEST(Conditions, ASubInstanceNamesItsParent) {
  Options options = sized(2, 2);
  options.parent_uri = "local:///run/flux/local";
  Bench bench(options);
  EXPECT_EQ(bench.payload("attr.get", {{"name", "instance-level"}}).at("value"), "1");
  EXPECT_EQ(bench.payload("attr.get", {{"name", "parent-uri"}}).at("value"), "local:///run/flux/local");
  Bench top(sized(2, 2));
  EXPECT_EQ(top.call("attr.get", {{"name", "parent-uri"}}).at("errnum"), ENOENT);
}

// What guests may do is in the Services tests; here: who is one.
TEST(Conditions, ClientsAreGuestsUnlessTheyAskForTheOwnersRole) {
  Options options = sized(2, 2);
  options.guests = true;
  Bench bench(options);
  EXPECT_EQ(bench.call("resource.get").at("errnum"), EPERM);
  EXPECT_EQ(bench.call("resource.get", nullptr, guest_role).at("errnum"), EPERM);
  EXPECT_EQ(bench.call("resource.get", nullptr, 5).at("errnum"), 0);
  Bench usual(sized(2, 2));
  EXPECT_EQ(usual.call("resource.get").at("errnum"), 0);
}

TEST(Conditions, StrangersAreGuestsWhateverTheyAskFor) {
  class Stranger final : public Peer {
   public:
    void send(const flux::Message& message) override { errnums.push_back(message.errnum()); }
    [[nodiscard]] std::optional<std::uint32_t> userid() const override { return 4711; }
    [[nodiscard]] bool stranger() const override { return true; }
    std::vector<std::uint32_t> errnums;
  };
  Options options = sized(2, 2);
  options.guests = true;
  Bench bench(options);
  const auto stranger = std::make_shared<Stranger>();
  flux::Message message;
  message.flags = flux::flag::topic;
  message.topic = "resource.get";
  message.rolemask = 5;
  message.userid = owner;
  bench.services_.handle(stranger, message);
  EXPECT_EQ(stranger->errnums, std::vector<std::uint32_t>{EPERM});
}

TEST(Conditions, InPrivateModeGuestsSeeNoJobsButTheirOwn) {
  Options options = sized(2, 2);
  options.private_mode = true;
  Bench bench(options);
  const auto id = bench.submit(slots(1));
  bench.advance(0.1);
  const json::value request{{"max_entries", 0}, {"attrs", json::array{"userid"}}};
  EXPECT_EQ(bench.payload("job-list.list", request).at("jobs").as_array().size(), 1U);
  // A guest's requests come with its own userid.
  flux::Message message;
  message.flags = flux::flag::topic | flux::flag::payload;
  message.topic = "job-list.list";
  message.payload = json::serialize(request);
  message.userid = 4711;
  message.rolemask = guest_role;
  message.aux2 = 900;
  bench.services_.handle(bench.inbox_, message);
  EXPECT_TRUE(json::parse(bench.inbox_->messages.back().payload).at("jobs").as_array().empty());
  for (const char* topic :
       {"job-list.job-stats", "job-list.stats-get", "job-manager.stats-get", "job-manager.getinfo"}) {
    EXPECT_EQ(bench.call(topic, nullptr, guest_role).at("errnum"), EPERM) << topic;
    EXPECT_EQ(bench.call(topic).at("errnum"), 0) << topic;
  }
  static_cast<void>(id);
}

// What a simulated instance has to answer at least.
TEST(Conditions, EveryTopicOfTheChecklistIsAnswered) {
  Bench bench(sized(2, 4));
  std::vector<std::string> topics;
  const auto add = [&](const std::string& service, std::initializer_list<const char*> methods) {
    for (auto& topic : topics_of(service, methods))
      topics.push_back(std::move(topic));
  };
  add("attr", {"get", "list"});
  add("resource", {"sched-status", "status", "drain", "undrain", "journal", "get"});
  add("job-manager",
      {"resource-status", "stats-get", "alloc-query", "queue-list", "queue-status", "queue-start",
       "queue-enable", "events-journal", "raise", "kill", "urgency", "getattr", "purge"});
  add("job-list", {"job-stats", "list", "list-id", "stats-get"});
  add("job-info", {"lookup"});
  add("job-ingest", {"submit"});
  add("kvs", {"lookup"});
  add("groups", {"get"});
  add("overlay", {"health"});
  add("state-machine", {"get"});
  add("event", {"subscribe", "unsubscribe"});
  add("config", {"get"});
  for (const auto& topic : topics) {
    const auto got = bench.replies(bench.ask(topic));
    ASSERT_EQ(got.size(), 1U) << topic;
    EXPECT_NE(static_cast<int>(got.front().errnum()), ENOSYS) << topic;
  }
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
