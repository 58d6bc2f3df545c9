// The life of jobs and ranks over time, as the recorded timelines show it.
#include "bench.hpp"

namespace fluxmetrics::simulate::test {
namespace {

using flux::JobState;

Options four_cores() {
  Options options;
  options.size = 2;
  options.max_size = 4;
  options.cores = 4;
  return options;
}

TEST(Life, AJobRunsAsLongAsItSaid) {
  Bench bench(four_cores());
  const flux::JobId id = bench.submit(nodes(2, 10));
  EXPECT_EQ(bench.state(id), JobState::new_);
  bench.advance(0.1);
  EXPECT_EQ(bench.state(id), JobState::run);
  bench.advance(20);
  EXPECT_EQ(bench.state(id), JobState::inactive);
  EXPECT_EQ(bench.event_names(id), (Names{"submit", "validate", "depend", "priority", "alloc", "start",
                                          "finish", "release", "free", "clean"}));
  const Job& job = *bench.jobs().find(id);
  EXPECT_TRUE(job.success());
  EXPECT_EQ(job.result(), flux::JobResult::completed);
  EXPECT_NEAR(*job.t_cleanup - *job.t_run, 10, 0.001);
  EXPECT_LT(*job.t_run - job.t_submit, 0.1);
  for (std::size_t i = 1; i < job.eventlog.size(); ++i)
    EXPECT_LT(job.eventlog[i - 1].timestamp, job.eventlog[i].timestamp);
}

TEST(Life, WithoutADurationItRunsForEver) {
  Bench bench(four_cores());
  const flux::JobId id = bench.submit(slots(1));
  bench.advance(1e4);
  EXPECT_EQ(bench.state(id), JobState::run);
}

json::object with_fate(const JobRequest& request, json::object fate) {
  json::object jobspec = *make_jobspec(request);
  jobspec["attributes"].as_object()["system"].as_object()["simulate"] = std::move(fate);
  return jobspec;
}

TEST(Life, AJobMayRunShorterFailOrMeetItsLimit) {
  Bench bench(four_cores());
  const flux::JobId brief = bench.submit(with_fate(slots(1, 100), {{"runtime", 1}}));
  const flux::JobId failing = bench.submit(with_fate(slots(1, 100), {{"runtime", 1}, {"exit", 3}}));
  const flux::JobId endless = bench.submit(with_fate(slots(1, 2), {{"runtime", 0}}));
  bench.advance(4);
  EXPECT_EQ(bench.jobs().find(brief)->result(), flux::JobResult::completed);
  EXPECT_EQ(bench.jobs().find(failing)->result(), flux::JobResult::failed);
  EXPECT_EQ(bench.jobs().find(failing)->waitstatus, 768U);
  EXPECT_EQ(bench.jobs().find(endless)->result(), flux::JobResult::timeout);
  EXPECT_EQ(bench.jobs().find(endless)->waitstatus, 36352U);
  EXPECT_EQ(bench.jobs().find(endless)->exception->note, "resource allocation expired");
  const auto& stats = bench.jobs().stats().all;
  EXPECT_EQ(stats.successful + stats.failed + stats.timeout, 3);
  EXPECT_EQ(stats.states.total, 3);
}

TEST(Life, FirstComeFirstServedByUrgency) {
  Bench bench(four_cores());
  const flux::JobId runs = bench.submit(nodes(2, 10));
  bench.advance(0.1);
  const flux::JobId second = bench.submit(nodes(1, 10));
  const flux::JobId small = bench.submit(slots(1, 10));
  JobRequest urgent = nodes(2, 10);
  urgent.urgency = 31;
  const flux::JobId first = bench.submit(urgent);
  bench.advance(9.9 + 0.2);
  EXPECT_EQ(bench.state(runs), JobState::inactive);
  EXPECT_EQ(bench.state(first), JobState::run);
  EXPECT_EQ(bench.state(second), JobState::sched);
  bench.advance(10.2);
  EXPECT_EQ(bench.state(second), JobState::run);
  EXPECT_EQ(bench.state(small), JobState::run);
  EXPECT_EQ(bench.jobs().find(first)->priority, 4294967295);
}

TEST(Life, TheHeadOfTheLineHoldsBackTheRest) {
  Bench bench(four_cores());
  const flux::JobId wide = bench.submit(nodes(4, 10));  // two ranks are not there: down, but feasible
  const flux::JobId small = bench.submit(slots(1, 10));
  const flux::JobId never = bench.submit(slots(1000, 10));
  bench.advance(5);
  EXPECT_EQ(bench.state(wide), JobState::sched);
  EXPECT_EQ(bench.state(small), JobState::sched);
  EXPECT_EQ(bench.state(never), JobState::sched) << "only at the head it learns that it never can";
  ASSERT_TRUE(bench.instance().online(flux::IdSet::range(2, 3)));
  bench.advance(1);
  EXPECT_EQ(bench.state(wide), JobState::run);
  bench.advance(10.1);
  EXPECT_EQ(bench.state(small), JobState::run);
  EXPECT_EQ(bench.state(never), JobState::inactive);
  EXPECT_EQ(bench.event_names(never),
            (Names{"submit", "validate", "depend", "priority", "exception", "clean"}));
  EXPECT_EQ(bench.jobs().find(never)->exception->type, "alloc");
}

TEST(Life, HeldJobsAndStoppedQueuesWait) {
  Options options = four_cores();
  options.queues = {{.name = "a"}, {.name = "b"}};
  Bench bench(options);
  JobRequest request = slots(1, 10);
  request.queue = "a";
  const flux::JobId stopped = bench.submit(request);
  request.queue = "b";
  request.urgency = 0;
  const flux::JobId held = bench.submit(request);
  bench.advance(5);
  EXPECT_EQ(bench.state(stopped), JobState::sched);
  EXPECT_EQ(bench.jobs().eligible(), 0U);
  ASSERT_TRUE(bench.instance().start_queue(std::nullopt, true, true, std::nullopt));
  EXPECT_EQ(bench.jobs().eligible(), 1U);
  bench.advance(0.1);
  EXPECT_EQ(bench.state(stopped), JobState::run);
  EXPECT_EQ(bench.state(held), JobState::sched);
  EXPECT_EQ(bench.jobs().set_urgency(held, 16, owner).value(), 0);
  bench.advance(0.1);
  EXPECT_EQ(bench.state(held), JobState::run);
  EXPECT_EQ(bench.jobs().set_urgency(held, 1, owner).error().message,
            "urgency cannot be changed once resources are allocated");
}

TEST(Life, ABeginTimeKeepsAJobInDepend) {
  Bench bench(four_cores());
  json::object jobspec = *make_jobspec(slots(1, 10));
  jobspec["attributes"].as_object()["system"].as_object()["dependencies"] =
      json::array{json::object{{"scheme", "begin-time"}, {"value", std::to_string(Bench::start + 60)}}};
  const flux::JobId id = bench.submit(jobspec);
  bench.advance(59);
  EXPECT_EQ(bench.state(id), JobState::depend);
  EXPECT_FALSE(bench.jobs().find(id)->priority);
  bench.advance(2);
  EXPECT_EQ(bench.state(id), JobState::run);
  EXPECT_EQ(bench.event_names(id), (Names{"submit", "dependency-add", "validate", "dependency-remove",
                                          "depend", "priority", "alloc", "start"}));
}

TEST(Life, CancellingPendingAndRunningJobs) {
  Bench bench(four_cores());
  const flux::JobId running = bench.submit(nodes(2));
  bench.advance(0.1);
  const flux::JobId pending = bench.submit(nodes(2));
  bench.advance(0.1);
  ASSERT_TRUE(bench.jobs().raise(pending, "cancel", 0, "", owner));
  EXPECT_EQ(bench.state(pending), JobState::inactive);
  ASSERT_TRUE(bench.jobs().raise(running, "cancel", 0, "", owner));
  EXPECT_EQ(bench.state(running), JobState::cleanup);
  bench.advance(0.1);
  EXPECT_EQ(bench.state(running), JobState::inactive);
  EXPECT_EQ(bench.jobs().find(running)->waitstatus, 36608U);
  EXPECT_EQ(bench.jobs().stats().all.canceled, 2);
  EXPECT_EQ(bench.jobs().raise(running, "cancel", 0, "", owner).error().message, "job is inactive");
  EXPECT_EQ(bench.jobs().raise(12345, "cancel", 0, "", owner).error().message, "unknown job id");
  EXPECT_EQ(bench.jobs().raise(running, "cancel", 8, "", owner).error().errnum, EPROTO);
}

TEST(Life, ExceptionsThatAreNotFatalOnlyAnnotate) {
  Bench bench(four_cores());
  const flux::JobId id = bench.submit(nodes(1, 10));
  bench.advance(1);
  ASSERT_TRUE(bench.jobs().raise(id, "demo", 2, "not fatal", owner));
  bench.advance(10);
  EXPECT_TRUE(bench.jobs().find(id)->success());
  EXPECT_EQ(bench.jobs().find(id)->exception->type, "demo");
}

TEST(Life, SignalsEndJobs) {
  Bench bench(four_cores());
  const flux::JobId id = bench.submit(nodes(1));
  EXPECT_EQ(bench.jobs().kill(id, 15).error().message, "job is not running");
  bench.advance(1);
  ASSERT_TRUE(bench.jobs().kill(id, SIGCONT));
  bench.advance(1);
  EXPECT_EQ(bench.state(id), JobState::run);
  ASSERT_TRUE(bench.jobs().kill(id, SIGTERM));
  bench.advance(1);
  EXPECT_EQ(bench.jobs().find(id)->waitstatus, 36608U);
  EXPECT_EQ(bench.jobs().find(id)->result(), flux::JobResult::failed);
}

TEST(Ranks, JoinAfterTheirStartUp) {
  Bench bench(four_cores());
  ASSERT_TRUE(bench.instance().online(flux::IdSet::range(2, 3)));
  const auto health = bench.payload("overlay.health");
  EXPECT_EQ(health.at("status"), "full") << "connected at once";
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-1") << "but not ready";
  bench.advance(0.8);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-3");
  EXPECT_EQ(bench.payload("groups.get", {{"name", "broker.online"}}).at("members"), "0-3");
  ASSERT_TRUE(bench.instance().online(flux::IdSet::range(0, 3))) << "no harm";
  EXPECT_EQ(bench.instance().online(flux::IdSet{4}).error().errnum, EINVAL);
  EXPECT_EQ(bench.instance().offline(flux::IdSet{0}, Departure::lost).error().errnum, EINVAL);
  EXPECT_EQ(bench.instance().offline({}, Departure::lost).error().errnum, EINVAL);
}

TEST(Ranks, ALostRankFailsItsJobsAndTakesOneMoreInTheGap) {
  Options options = four_cores();
  options.size = 4;
  Bench bench(options);
  const flux::JobId four = bench.submit(nodes(4));
  bench.advance(0.1);
  const flux::JobId next = bench.submit(nodes(4));
  bench.advance(0.1);
  const Time lost = bench.now();
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::lost));
  EXPECT_EQ(bench.payload("overlay.health").at("status"), "degraded");
  EXPECT_EQ(bench.payload("overlay.health").at("children").at(2).at("error"), "lost connection");
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-3") << "the group notices after 100 ms";
  bench.advance(0.03);
  EXPECT_EQ(bench.state(four), JobState::inactive);
  EXPECT_LT(*bench.jobs().find(four)->t_inactive - lost, 0.03);
  EXPECT_EQ(bench.jobs().find(four)->exception->note, "node failure on flux-sample-3 (rank 3)");
  EXPECT_EQ(bench.jobs().find(four)->waitstatus, 36608U);
  bench.advance(0.2);
  // As in capture 13: the scheduler gave the dead rank away once more.
  EXPECT_EQ(bench.state(next), JobState::inactive);
  EXPECT_EQ(bench.event_names(next), (Names{"submit", "validate", "depend", "priority", "alloc", "exception",
                                            "finish", "release", "free", "clean"}));
  EXPECT_EQ(bench.jobs().find(next)->waitstatus, 15U);
  EXPECT_EQ(bench.jobs().stats().all.failed, 2);
  const json::value status = bench.payload("resource.status");
  EXPECT_EQ(status.at("online"), "0-2");
  EXPECT_EQ(status.at("offline"), "3");
  EXPECT_EQ(bench.payload("resource.sched-status").at("all").at("execution").at("R_lite").at(0).at("rank"),
            "0-3")
      << "a rank of the configuration stays";
}

TEST(Ranks, AJobOnALostRankOnlyEndsAtOnce) {
  Bench bench(four_cores());
  const flux::JobId id = bench.submit(nodes(1));
  const flux::JobId other = bench.submit(nodes(1));
  bench.advance(0.1);
  ASSERT_EQ(bench.jobs().find(other)->ranks, flux::IdSet{1});
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{1}, Departure::lost));
  bench.advance(0.02);
  EXPECT_EQ(bench.state(other), JobState::inactive);
  EXPECT_EQ(bench.jobs().find(other)->waitstatus, 256U);
  EXPECT_EQ(bench.jobs().find(other)->exception->severity, 0);
  EXPECT_EQ(bench.state(id), JobState::run);
}

TEST(Ranks, ADeletedPodHangsTheJobsThatHoldOtherRanksToo) {
  Options options = four_cores();
  options.size = 4;
  Bench bench(options);
  auto watcher = std::make_shared<Inbox>();
  bench.ask("event.subscribe", {{"topic", "shell-"}}, 0, watcher);
  const flux::JobId pair = bench.submit({.nodes = 2, .slots = 2});
  bench.advance(0.1);
  ASSERT_EQ(bench.jobs().find(pair)->ranks, flux::IdSet::range(0, 1));
  const flux::JobId single = bench.submit({.nodes = 1, .slots = 1});
  bench.advance(0.1);
  ASSERT_EQ(bench.jobs().find(single)->ranks, flux::IdSet{2});
  const Time told = bench.now();
  ASSERT_TRUE(bench.instance().offline(flux::IdSet::range(1, 2), Departure::shutdown));
  bench.advance(0.39);
  EXPECT_EQ(bench.state(single), JobState::inactive);
  EXPECT_EQ(bench.state(pair), JobState::cleanup);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-3");
  bench.advance(0.13);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0,3");
  const json::value child = bench.payload("overlay.health").at("children").at(0);
  EXPECT_EQ(child.at("status"), "offline");
  EXPECT_EQ(child.at("error"), "administrative shutdown");
  EXPECT_EQ(bench.payload("overlay.health").at("status"), "partial");
  bench.advance(20);
  EXPECT_EQ(bench.state(pair), JobState::cleanup);
  EXPECT_EQ(
      bench.payload("resource.sched-status").at("allocated").at("execution").at("R_lite").at(0).at("rank"),
      "0-1")
      << "also the dead rank is still held";
  bench.advance(5.5);
  const Job& job = *bench.jobs().find(pair);
  EXPECT_EQ(job.state, JobState::inactive);
  EXPECT_NEAR(*job.t_inactive - told, 25.35, 0.02);
  EXPECT_EQ(job.waitstatus, 256U);
  EXPECT_TRUE(job.exception->note.starts_with("flux_job_event_watch_get"));
  EXPECT_EQ(watcher->messages.size(), 1U + 4U) << "the answer, and a SIGKILL every 5 s";
}

TEST(Ranks, OneThatDiesWhileItJoinsNeverJoins) {
  Bench bench(four_cores());
  ASSERT_TRUE(bench.instance().online(flux::IdSet{2}));
  bench.advance(0.3);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{2}, Departure::lost));
  bench.advance(0.1);
  ASSERT_TRUE(bench.instance().online(flux::IdSet{2}));
  bench.advance(0.4);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-1");
  bench.advance(0.4);
  EXPECT_EQ(bench.payload("resource.status").at("online"), "0-2");
}

TEST(Ranks, DrainsStickAndKeepJobsAway) {
  Bench bench(four_cores());
  const flux::JobId running = bench.submit(nodes(2, 10));
  bench.advance(0.1);
  ASSERT_TRUE(bench.instance().resources().drain("1", "scale-down", std::nullopt));
  EXPECT_EQ(bench.state(running), JobState::run) << "what runs goes on";
  const json::value status = bench.payload("resource.sched-status");
  EXPECT_EQ(status.at("down").at("execution").at("R_lite").at(0).at("rank"), "1-3");
  EXPECT_EQ(status.at("allocated").at("execution").at("R_lite").at(0).at("rank"), "0-1")
      << "both down and allocated";
  const flux::JobId waiting = bench.submit(nodes(2, 10));
  bench.advance(11);
  EXPECT_EQ(bench.state(waiting), JobState::sched);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{1}, Departure::shutdown));
  bench.advance(1);
  ASSERT_TRUE(bench.instance().online(flux::IdSet{1}));
  bench.advance(1);
  EXPECT_EQ(bench.state(waiting), JobState::sched) << "a drain survives leaving and coming back";
  ASSERT_TRUE(bench.instance().resources().undrain("1", std::nullopt, std::nullopt));
  bench.advance(0.1);
  EXPECT_EQ(bench.state(waiting), JobState::run);
}

TEST(Ranks, DrainsThatAreAlikeShareAKey) {
  Bench bench(four_cores());
  ASSERT_TRUE(bench.instance().resources().drain("1", "a", std::nullopt));
  bench.advance(0.2);
  ASSERT_TRUE(bench.instance().resources().drain("flux-sample-3", "a", std::nullopt));
  ASSERT_TRUE(bench.instance().resources().drain("2", std::nullopt, std::nullopt));
  EXPECT_EQ(bench.payload("resource.status").at("drain"),
            json::value({{"1,3", {{"timestamp", Bench::start}, {"reason", "a"}}},
                         {"2", {{"timestamp", Bench::start}, {"reason", ""}}}}));
  EXPECT_EQ(bench.instance().resources().drain("1-3", "b", std::nullopt).error().message,
            "ranks 1-3 already drained");
  EXPECT_EQ(bench.instance().resources().drain("", "b", std::nullopt).error().message, "idset is empty");
}

TEST(Purge, LowersTheCounters) {
  Bench bench(four_cores());
  for (int i = 0; i < 3; ++i)
    bench.submit(slots(1, 1));
  bench.advance(3);
  EXPECT_EQ(bench.jobs().purge(1, std::nullopt, false), 2U);
  EXPECT_EQ(bench.jobs().stats().all.states.inactive, 3) << "only counted";
  EXPECT_EQ(bench.jobs().purge(1, std::nullopt, true), 2U);
  const auto& stats = bench.jobs().stats().all;
  EXPECT_EQ(stats.states.inactive, 1);
  EXPECT_EQ(stats.successful, 1);
  EXPECT_EQ(stats.inactive_purged, 2);
  EXPECT_EQ(bench.jobs().purge(std::nullopt, 0.5, true), 1U);
}

TEST(Trace, JobsSubmitThemselves) {
  Options options = four_cores();
  options.trace = {{.t = 1, .request = nodes(2, 5)}, {.t = 2, .request = slots(3, 5)}};
  Bench bench(options);
  bench.advance(0.9);
  EXPECT_TRUE(bench.jobs().all().empty());
  bench.advance(2);
  EXPECT_EQ(bench.jobs().all().size(), 2U);
  bench.advance(10);
  EXPECT_EQ(bench.jobs().stats().all.successful, 2);
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
