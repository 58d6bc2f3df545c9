// Fluxion as it was recorded: where its match policies put jobs, what its queue policies make of those that
// wait, and what its modules answer.
#include <map>
#include <sstream>

#include "bench.hpp"
#include "simulate/fluxion_scheduler.hpp"

namespace fluxmetrics::simulate::test {
namespace {

json::value recorded(const std::string& name) {
  const std::string path = std::string(TEST_DATA) + "/fluxion-captures/" + name + ".json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no capture " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return json::parse(text.str());
}

// The instance of the captures: four hosts with four cores and a gpu.
Options four_hosts(std::uint32_t up = 4, std::uint32_t gpus = 1) {
  Options options;
  options.size = up;
  options.max_size = 4;
  options.cores = 4;
  options.gpus = gpus;
  options.host_prefix = "node";
  options.fluxion = FluxionOptions{};
  return options;
}

Options with_policy(QueuePolicy policy, std::uint32_t up = 4, std::uint32_t gpus = 1) {
  Options options = four_hosts(up, gpus);
  options.fluxion->queue_policy = policy;
  return options;
}

// As `flux submit` reads these options.
JobRequest request(const std::string& text) {
  JobRequest made;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word == "--exclusive") {
      made.exclusive = true;
      continue;
    }
    const auto number = static_cast<std::uint32_t>(std::stoul(word.substr(2)));
    if (word[1] == 'N') made.nodes = number;
    if (word[1] == 'n') made.slots = number;
    if (word[1] == 'c') made.cores = number;
    if (word[1] == 'g') made.gpus = number;
    if (word[1] == 't') made.duration = number * (word.back() == 'h' ? 3600.0 : 60.0);
  }
  if (!made.nodes && !made.slots) made.slots = 1;
  return made;
}

// Runs for ever whatever its limit, as the recorded jobs did.
flux::JobId submit(Bench& bench, const std::string& text) {
  json::object jobspec = *make_jobspec(request(text));
  jobspec["attributes"].as_object()["system"].as_object()["simulate"] = {{"runtime", 0}};
  const flux::JobId id = bench.submit(jobspec);
  bench.advance(0.5);
  return id;
}

json::object requiring(const std::string& text, const json::object& constraint) {
  json::object jobspec = *make_jobspec(request(text));
  jobspec["attributes"].as_object()["system"].as_object()["constraints"] = constraint;
  return jobspec;
}

std::string state(Bench& bench, flux::JobId id) {
  const Job& job = *bench.jobs().find(id);
  if (job.state == flux::JobState::sched) return "SCHED";
  if (job.state == flux::JobState::run) return "RUN";
  return job.exception ? job.exception->type + ": " + job.exception->note : "INACTIVE";
}

const std::string denied = "alloc: alloc denied due to type=\"unsatisfiable\"";

void drain(Bench& bench, const std::string& ranks) {
  EXPECT_EQ(bench.call("resource.drain", {{"targets", ranks}, {"reason", "x"}}).at("errnum"), 0);
  bench.advance(0.5);
}

void cancel_all(Bench& bench) {
  bench.call("job-manager.raiseall",
             {{"dry_run", false}, {"userid", -1}, {"states", -1}, {"severity", 0}, {"type", "cancel"}});
  bench.advance(1);
}

class Placement : public ::testing::TestWithParam<std::string> {};

TEST_P(Placement, IsTheRecordedOne) {
  Options options = with_policy(QueuePolicy::conservative);
  options.fluxion->match_policy = *MatchPolicy::parse(GetParam());
  Bench bench(options);
  std::size_t count = 0;
  const json::value all = recorded("placement");
  for (const json::value& step : all.at(GetParam()).as_array()) {
    if (step.as_object().contains("cancel")) {
      cancel_all(bench);
      continue;
    }
    const std::string text(step.at("submit").as_string());
    const flux::JobId id = submit(bench, text);
    SCOPED_TRACE(text + ", step " + std::to_string(++count));
    const std::string now = state(bench, id);
    EXPECT_EQ(now == denied ? "INACTIVE" : now, step.at("state").as_string());
    if (now == "RUN") {
      EXPECT_EQ(bench.jobs().find(id)->R->to_json().at("execution").at("R_lite"), step.at("R_lite"));
    }
  }
  EXPECT_EQ(count, 16U);
}

INSTANTIATE_TEST_SUITE_P(Fluxion, Placement,
                         ::testing::Values("first", "firstnodex", "high", "low", "lonode", "hinode",
                                           "lonodex", "hinodex"),
                         [](const auto& test) { return test.param; });

TEST(FluxionMatch, TheLongFormIsTheSame) {
  const auto named = MatchPolicy::parse("lonodex");
  const auto spelt = MatchPolicy::parse("policy=low node_centric=true node_exclusive=true");
  ASSERT_TRUE(named && spelt);
  EXPECT_FALSE(spelt->high);
  EXPECT_TRUE(spelt->node_centric && spelt->node_exclusive && !spelt->stop_on_1_matches);
  EXPECT_TRUE(named->node_centric && named->node_exclusive && !named->high);
  EXPECT_EQ(spelt->name, "policy=low node_centric=true node_exclusive=true");
  for (const char* wrong :
       {"", "lowest", "policy=middle", "node_centric=true", "policy=low node_centric=maybe"})
    EXPECT_FALSE(MatchPolicy::parse(wrong)) << wrong;
}

// Jobs a to e of the captures, and what is known of each.
class Waiting : public ::testing::TestWithParam<std::string> {};

TEST_P(Waiting, JobsAreAnnotatedAsRecorded) {
  Bench bench(with_policy(*parse_queue_policy(GetParam()), 4, 0));
  std::map<char, flux::JobId> ids;
  for (const auto& [name, text] : std::map<char, std::string>{{'a', "-N3 -t10m"},
                                                              {'b', "-N4 -t5m"},
                                                              {'c', "-N1 -n1 -t1m"},
                                                              {'d', "-N1 -n1 -t1h"},
                                                              {'e', "-N2 -n2 -t1h"}})
    ids[name] = submit(bench, text);
  const auto end_of_a = [](const json::value& a) { return a.at("expiration").to_number<double>(); };
  const double recorded_end = end_of_a(recorded("fluxion.annotations." + GetParam() + ".a"));
  const double our_end = bench.jobs().find(ids['a'])->R->expiration;
  for (const auto& [name, id] : ids) {
    const json::value theirs = recorded("fluxion.annotations." + GetParam() + "." + name);
    SCOPED_TRACE(name);
    EXPECT_EQ(state(bench, id), theirs.at("state").as_string());
    // Estimates relative to the end of the job that holds the nodes.
    json::object expected = theirs.at("annotations").as_object();
    json::object got = bench.jobs().find(id)->annotations;
    for (auto [annotations, end] : {std::pair(&expected, recorded_end), std::pair(&got, our_end)}) {
      if (!annotations->contains("sched")) continue;
      json::object& sched = annotations->at("sched").as_object();
      if (sched.contains("t_estimate")) sched["t_estimate"] = sched["t_estimate"].to_number<double>() - end;
    }
    EXPECT_EQ(json::value(got), json::value(expected));
    if (theirs.as_object().contains("ranks")) {
      const json::value shown =
          bench.payload("job-list.list-id", {{"id", id}, {"attrs", {"ranks", "ncores"}}});
      EXPECT_EQ(shown.at("job").at("ranks"), theirs.at("ranks"));
      EXPECT_EQ(shown.at("job").at("ncores"), theirs.at("ncores"));
    }
  }
  // The queues of the same moment; ids differ from run to run.
  json::value theirs = recorded("fluxion.qmanager.stats-get." + GetParam()).at("reply");
  json::value ours = bench.payload("sched-fluxion-qmanager.stats-get");
  for (json::value* reply : {&theirs, &ours})
    for (const char* key : {"pending_queues", "scheduled_queues"})
      for (auto& list : reply->at("queues").at("default").at(key).as_object())
        list.value() = list.value().as_array().size();
  EXPECT_EQ(ours, theirs);
}

INSTANTIATE_TEST_SUITE_P(Fluxion, Waiting, ::testing::Values("fcfs", "easy", "hybrid", "conservative"),
                         [](const auto& test) { return test.param; });

TEST(FluxionQueue, FcfsDeniesWhatIsWiderThanUp) {
  Bench bench(four_hosts(2));
  const flux::JobId wide = submit(bench, "-N4");
  EXPECT_EQ(state(bench, wide), denied);
  EXPECT_EQ(bench.event_names(wide),
            (Names{"submit", "validate", "depend", "priority", "exception", "clean"}));
  EXPECT_EQ(state(bench, submit(bench, "-N2")), "RUN");
  // Slots anywhere are no nodes: they wait.
  EXPECT_EQ(state(bench, submit(bench, "-n16")), "SCHED");
  EXPECT_EQ(bench.payload("job-list.job-stats").at("failed"), 1);
}

TEST(FluxionQueue, FcfsDeniesWaitingJobsWhenANodeGoes) {
  for (const bool lost : {false, true}) {
    Bench bench(four_hosts());
    const flux::JobId running = submit(bench, "-N2");
    const flux::JobId wide = submit(bench, "-N4");
    EXPECT_EQ(state(bench, wide), "SCHED");
    if (lost) {
      EXPECT_TRUE(bench.instance().offline({1}, Departure::lost));
      bench.advance(1);
    } else {
      drain(bench, "0");
    }
    EXPECT_EQ(state(bench, wide), denied) << lost;
    EXPECT_EQ(state(bench, running), "RUN");
  }
}

TEST(FluxionQueue, OnlyTheHeadOfAnFcfsQueueIsJudged) {
  Bench bench(four_hosts());
  submit(bench, "-N3 -t10m");
  const flux::JobId head = submit(bench, "-N2 -t10m");
  const flux::JobId wide = submit(bench, "-N4 -t10m");
  drain(bench, "0");
  EXPECT_EQ(state(bench, head), "SCHED");
  EXPECT_EQ(state(bench, wide), "SCHED");
}

TEST(FluxionQueue, WithoutNodesInThePruneFiltersFcfsWaits) {
  Options options = four_hosts(2);
  options.fluxion->prune_filters = "ALL:core";
  Bench bench(options);
  EXPECT_EQ(state(bench, submit(bench, "-N8")), denied);
  const flux::JobId wide = submit(bench, "-N4");
  EXPECT_EQ(state(bench, wide), "SCHED");
  drain(bench, "2-3");
  ASSERT_TRUE(bench.instance().online({2, 3}));
  bench.advance(2);
  EXPECT_EQ(state(bench, wide), "SCHED") << "they came drained";
  EXPECT_EQ(bench.call("resource.undrain", {{"targets", "2-3"}}).at("errnum"), 0);
  bench.advance(1);
  EXPECT_EQ(state(bench, wide), "RUN");
}

TEST(FluxionQueue, TheOthersKeepWhatIsTooWide) {
  for (const QueuePolicy policy : {QueuePolicy::easy, QueuePolicy::hybrid, QueuePolicy::conservative}) {
    SCOPED_TRACE(name_of(policy));
    Bench bench(with_policy(policy));
    const flux::JobId impossible = submit(bench, "-N8");
    const flux::JobId nowhere = bench.submit(requiring("-N1", {{"ranks", {"7"}}}));
    const flux::JobId running = submit(bench, "-N2");
    const flux::JobId wide = submit(bench, "-N4");
    drain(bench, "3");
    for (const flux::JobId id : {impossible, nowhere, wide})
      EXPECT_EQ(state(bench, id), "SCHED");
    EXPECT_EQ(state(bench, running), "RUN") << "nobody holds it back";
    // What no node could hold is not kept: it is counted in cores.
    EXPECT_EQ(state(bench, submit(bench, "-n64")), denied);
    EXPECT_EQ(state(bench, submit(bench, "-n1 -c8")), denied);
    const json::value stats = bench.payload("sched-fluxion-qmanager.stats-get");
    EXPECT_EQ(stats.at("queues").at("default").at("pending_queues").at("blocked").as_array().size(), 3U);
  }
}

// Behind a job that is reserved, easy asks as fcfs does.
TEST(FluxionQueue, EasyDeniesWideJobsBehindAReservation) {
  for (const auto& [policy, expected] :
       {std::pair(QueuePolicy::easy, denied), std::pair(QueuePolicy::hybrid, std::string("SCHED")),
        std::pair(QueuePolicy::conservative, std::string("SCHED"))}) {
    SCOPED_TRACE(name_of(policy));
    Bench bench(with_policy(policy));
    submit(bench, "-N3 -t10m");
    drain(bench, "0");
    const flux::JobId head = submit(bench, "-N3 -t1m");
    EXPECT_EQ(state(bench, head), "SCHED");
    EXPECT_TRUE(bench.jobs().find(head)->annotations.contains("sched"));
    EXPECT_EQ(state(bench, submit(bench, "-N4")), expected);
  }
}

// At the end of time, where Fluxion looks for nodes, who has no limit still runs.
TEST(FluxionQueue, FcfsDeniesConstrainedJobsBehindEndlessOnes) {
  const json::object anywhere{{"ranks", {"0-3"}}};
  for (const bool limited : {false, true}) {
    Bench bench(four_hosts());
    submit(bench, limited ? "-N3 -t10m" : "-N3");
    const flux::JobId constrained = bench.submit(requiring("-N4", anywhere));
    bench.advance(0.5);
    EXPECT_EQ(state(bench, constrained), limited ? "SCHED" : denied);
    EXPECT_EQ(state(bench, submit(bench, "-N4")), "SCHED");
  }
}

TEST(FluxionQueue, QueuesDoNotHoldBackEachOther) {
  Options options = four_hosts();
  options.queues = {{.name = "batch", .ranks = flux::IdSet{0, 1, 2}},
                    {.name = "debug", .ranks = flux::IdSet{3}}};
  options.start_queues = true;
  options.fluxion->policy_of_queue = {{"debug", QueuePolicy::conservative}};
  Bench bench(options);
  JobRequest batch = request("-N3 -t10m");
  batch.queue = "batch";
  bench.submit(batch);
  bench.advance(0.5);
  const flux::JobId waits = bench.submit(batch);
  JobRequest debug = request("-N1");
  debug.queue = "debug";
  const flux::JobId runs = bench.submit(debug);
  bench.advance(0.5);
  EXPECT_EQ(state(bench, waits), "SCHED");
  EXPECT_EQ(state(bench, runs), "RUN");
  const json::value params = bench.payload("sched-fluxion-qmanager.params").at("params");
  EXPECT_EQ(params.at("queue-policy"), "fcfs");
  EXPECT_EQ(params.at("batch").at("queue-policy"), "fcfs");
  EXPECT_EQ(params.at("debug").at("queue-policy"), "conservative");
  EXPECT_FALSE(params.as_object().contains("default"));
}

TEST(FluxionQueue, LooksAtThirtyTwoJobs) {
  Bench bench(with_policy(QueuePolicy::easy));
  submit(bench, "-N4 -t10m");
  for (int i = 0; i < 40; ++i)
    bench.submit(request("-N4 -t10m"));
  bench.advance(1);
  ASSERT_EQ(bench.call("resource.drain", {{"targets", "0"}, {"reason", "x"}}).at("errnum"), 0);
  bench.advance(1);
  // The head waits for nodes, none is reserved, so nobody is denied.
  EXPECT_EQ(bench.payload("job-list.job-stats").at("failed"), 0);
  cancel_all(bench);
  EXPECT_EQ(bench.call("resource.undrain", {{"targets", "0"}}).at("errnum"), 0);
  bench.advance(1);
  submit(bench, "-N3 -t10m");
  for (int i = 0; i < 32; ++i)
    submit(bench, "-N4 -t10m");
  EXPECT_EQ(state(bench, submit(bench, "-n1 -t1m")), "SCHED") << "the 33rd";
  JobRequest urgent = request("-n1 -t1m");
  urgent.urgency = 17;
  const flux::JobId first = bench.submit(urgent);
  bench.advance(0.5);
  EXPECT_EQ(state(bench, first), "RUN");
}

// Replies are {"ok", "reply"}.
void expect_recorded(Bench& bench, const std::string& topic, const std::string& name) {
  EXPECT_EQ(bench.payload(topic), recorded(name).at("reply")) << name;
}

TEST(FluxionReplies, AreTheRecordedOnes) {
  Bench bench(four_hosts(3));
  for (const char* topic : {"resource.sched-status", "sched.resource-status"})
    expect_recorded(bench, topic, std::string("fluxion.") + topic + ".idle-3of4");
  for (const char* topic : {"sched-fluxion-qmanager.params", "sched-fluxion-resource.params"})
    expect_recorded(bench, topic, std::string("fluxion.") + topic);
  const flux::JobId id = submit(bench, "-n3");
  for (const char* topic : {"resource.sched-status", "sched.resource-status", "job-manager.resource-status"})
    expect_recorded(bench, topic, std::string("fluxion.") + topic + ".busy-3of4");
  expect_recorded(bench, "sched-fluxion-resource.status", "fluxion.sched-fluxion-resource.status");

  json::value R = recorded("fluxion.R.job-n3");
  json::value ours = bench.payload("job-manager.getattr", {{"id", id}, {"attrs", {"R"}}}).at("R");
  EXPECT_TRUE(ours.at("execution").at("starttime").is_int64());
  EXPECT_EQ(ours.at("execution").at("expiration"), R.at("execution").at("expiration")) << "no limit";
  R.at("execution").at("starttime") = ours.at("execution").at("starttime");
  EXPECT_EQ(ours, R);

  drain(bench, "2");
  expect_recorded(bench, "resource.sched-status", "fluxion.resource.sched-status.drained-busy");
  EXPECT_EQ(bench.payload("job-manager.alloc-query"),
            json::value({{"queue_length", 0}, {"alloc_pending", 0}, {"running", 1}}));
}

TEST(FluxionReplies, TheGraphAndItsMatches) {
  Bench bench(four_hosts(3));
  submit(bench, "-n3");
  json::value theirs = recorded("fluxion.sched-fluxion-resource.stats-get").at("reply");
  json::value ours = bench.payload("sched-fluxion-resource.stats-get");
  for (json::value* reply : {&theirs, &ours}) {
    json::object& all = reply->as_object();
    for (const char* timed : {"load-time", "graph-uptime", "time-since-reset"})
      EXPECT_EQ(all.erase(timed), 1U) << timed;
    for (const char* kind : {"succeeded", "failed"}) {
      json::object& stats = all["match"].at(kind).as_object();
      stats["max-match-jobid"] = stats["max-match-jobid"].to_number<std::int64_t>() > 0;
      EXPECT_EQ(stats.erase("stats"), 1U);
    }
  }
  EXPECT_EQ(ours, theirs);
}

TEST(FluxionReplies, Feasibility) {
  Options options = four_hosts(2);
  options.queues = {{.name = "big", .ranks = flux::IdSet{2, 3}}};
  Bench bench(options);
  const auto ask = [&](const json::object& jobspec) {
    return bench.call("feasibility.check", {{"jobspec", jobspec}});
  };
  for (const char* text : {"-N8", "-c8", "-g2", "-n17", "-n5 -g1", "-n64", "-N1 -c5 -n1"}) {
    std::string name = text;
    std::erase(name, ' ');
    // As it was called: "-n5-g1".
    const json::value theirs = recorded("fluxion.feasibility." + name);
    const json::value answer = ask(*make_jobspec(request(text)));
    EXPECT_EQ(answer.at("errnum"), theirs.at("errno")) << text;
    EXPECT_EQ("[Errno 19] " + std::string(answer.at("errtext").as_string()), theirs.at("error").as_string());
  }
  EXPECT_EQ(ask(requiring("-N3", {{"properties", {"big"}}})).at("errnum"), 19);
  EXPECT_EQ(ask(requiring("-N1", {{"properties", {"nosuch"}}})).at("errnum"), 19);
  EXPECT_EQ(ask(*make_jobspec(request("-N4"))).at("errnum"), 0) << "down nodes count";
  EXPECT_EQ(ask(requiring("-N2", {{"properties", {"big"}}})).at("errnum"), 0);
}

TEST(FluxionReplies, WhatGuestsMayAsk) {
  Options options = four_hosts();
  options.guests = true;
  Bench bench(options);
  for (const char* open :
       {"sched-fluxion-qmanager.params", "sched-fluxion-qmanager.stats-get",
        "sched-fluxion-resource.stats-get", "sched.resource-status", "resource.sched-status"})
    EXPECT_EQ(bench.call(open).at("errnum"), 0) << open;
  for (const char* closed :
       {"sched-fluxion-resource.params", "sched-fluxion-resource.status", "feasibility.check"})
    EXPECT_EQ(bench.call(closed, {{"jobspec", json::object()}}),
              json::value({{"errnum", 1}, {"errtext", "Request requires owner credentials"}}))
        << closed;
}

TEST(FluxionReplies, ConfigurationAndModules) {
  Options options = with_policy(QueuePolicy::easy);
  options.queues = {{.name = "a"}, {.name = "b"}};
  options.fluxion->policy_of_queue = {{"a", QueuePolicy::fcfs}, {"b", QueuePolicy::hybrid}};
  options.fluxion->match_policy = *MatchPolicy::parse("lonode");
  options.fluxion->prune_filters = "ALL:core";
  Bench bench(options);
  const json::value config = bench.payload("config.get");
  EXPECT_EQ(config.at("sched-fluxion-qmanager"),
            json::value({{"queue-policy", "easy"}, {"queue-policy-per-queue", "a:fcfs b:hybrid"}}));
  EXPECT_EQ(config.at("sched-fluxion-resource"),
            json::value({{"match-policy", "lonode"}, {"prune-filters", "ALL:core"}}));
  EXPECT_FALSE(Bench(four_hosts()).payload("config.get").as_object().contains("sched-fluxion-qmanager"));
  EXPECT_EQ(bench.payload("sched-fluxion-resource.params").at("params").at("prune-filters"), "ALL:core");

  const auto modules = [&] { return json::serialize(bench.payload("module.list")); };
  for (const char* name : {"sched-fluxion-qmanager", "sched-fluxion-resource", "sched-fluxion-feasibility"})
    EXPECT_TRUE(contains(modules(), name));
  bench.call("simulate.scheduler", {{"loaded", false}});
  EXPECT_EQ(bench.call("sched-fluxion-qmanager.params"),
            json::value({{"errnum", 38},
                         {"errtext", "No service matching sched-fluxion-qmanager.params is registered"}}));
  EXPECT_EQ(modules().find("fluxion"), std::string::npos);
}

TEST(FluxionReplies, SimpleHasNone) {
  Bench bench(Options{});
  for (const char* topic : {"sched-fluxion-qmanager.params", "sched-fluxion-resource.stats-get"})
    EXPECT_EQ(bench.call(topic),
              json::value({{"errnum", 38},
                           {"errtext", std::string("No service matching ") + topic + " is registered"}}));
}

TEST(FluxionOptions, WhatIsRefused) {
  EXPECT_FALSE(parse_queue_policy("fifo"));
  Options options = four_hosts();
  options.fluxion->prune_filters = "core";
  EXPECT_FALSE(check(options));
  options.fluxion->prune_filters = "ALL:core,cluster:node";
  EXPECT_TRUE(check(options));
  EXPECT_TRUE(options.fluxion->prunes_nodes());
  options.fluxion->policy_of_queue = {{"nosuch", QueuePolicy::easy}};
  EXPECT_FALSE(check(options));
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
