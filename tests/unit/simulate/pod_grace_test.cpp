// Pods that outlive their deletion, with their brokers at work, and second brokers that take ranks over.
#include "bench.hpp"

namespace fluxmetrics::simulate::test {
namespace {

using flux::JobState;

Options with_grace(double seconds = 30) {
  Options options;
  options.size = options.max_size = 4;
  options.cores = 4;
  options.pod_grace = seconds;
  return options;
}

std::string online(Bench& bench) {
  return std::string(bench.payload("resource.status").at("online").as_string());
}

// A job on these ranks alone: all others are drained while it starts.
flux::JobId start_on(Bench& bench, const flux::IdSet& ranks) {
  const std::string others = (flux::IdSet::range(0, 3) - ranks).to_string();
  EXPECT_TRUE(bench.instance().resources().drain(others, std::nullopt, std::nullopt));
  const auto count = static_cast<std::uint32_t>(ranks.size());
  const flux::JobId id = bench.submit({.nodes = count, .slots = count});
  bench.advance(0.1);
  EXPECT_TRUE(bench.instance().resources().undrain(others, std::nullopt, std::nullopt));
  EXPECT_EQ(bench.jobs().find(id)->ranks, ranks);
  EXPECT_TRUE(bench.jobs().find(id)->started);
  return id;
}

TEST(PodGrace, ADeletedPodTakesJobsUntilItIsKilled) {
  Bench bench(with_grace());
  const Time deleted = bench.now();
  ASSERT_TRUE(bench.instance().offline(flux::IdSet::range(2, 3), Departure::deleted));
  bench.advance(20);
  EXPECT_EQ(online(bench), "0-3");
  const flux::JobId wide = bench.submit(nodes(4));
  bench.advance(9.9);
  EXPECT_EQ(bench.state(wide), JobState::run) << "also on ranks without a future";
  EXPECT_EQ(online(bench), "0-3");
  bench.advance(0.3);
  const Job& job = *bench.jobs().find(wide);
  EXPECT_EQ(job.state, JobState::inactive);
  EXPECT_EQ(job.exception->type, "exec");
  EXPECT_EQ(job.exception->severity, 0);
  EXPECT_EQ(job.exception->note, "node failure on flux-sample-2 (rank 2)");
  EXPECT_EQ(job.waitstatus, 36608U);
  EXPECT_NEAR(*job.t_cleanup - deleted, 30, 0.001);
  EXPECT_EQ(online(bench), "0-1");
  const json::value health = bench.payload("overlay.health");
  EXPECT_EQ(health.at("status"), "degraded");
  EXPECT_EQ(health.at("children").at(1).at("status"), "lost");
}

TEST(PodGrace, RanksOfOneDeletionAreNoSurvivorsOfEachOther) {
  Bench bench(with_grace());
  const flux::JobId pair = start_on(bench, flux::IdSet::range(2, 3));
  ASSERT_TRUE(bench.instance().offline(flux::IdSet::range(2, 3), Departure::deleted));
  bench.advance(30.05);
  EXPECT_EQ(bench.jobs().find(pair)->waitstatus, 256U);
}

TEST(PodGrace, IsAsLongAsItSays) {
  Bench bench(with_grace(2.5));
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::deleted));
  bench.advance(2.4);
  EXPECT_EQ(online(bench), "0-3");
  bench.advance(0.25);
  EXPECT_EQ(online(bench), "0-2");
  Bench none(with_grace(0));
  ASSERT_TRUE(none.instance().offline(flux::IdSet{3}, Departure::deleted));
  none.advance(0.15);
  EXPECT_EQ(online(none), "0-2");
}

TEST(PodGrace, ASecondDeletionDelaysNothing) {
  Bench bench(with_grace());
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::deleted));
  bench.advance(20);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet::range(2, 3), Departure::deleted));
  bench.advance(10.2);
  EXPECT_EQ(online(bench), "0-2");
  bench.advance(20);
  EXPECT_EQ(online(bench), "0-1");
}

TEST(PodGrace, ASecondBrokerTakesTheRankOver) {
  Bench bench(with_grace());
  const flux::JobId single = start_on(bench, flux::IdSet{3});
  const flux::JobId pair = start_on(bench, flux::IdSet::range(1, 2));
  const flux::JobId elsewhere = start_on(bench, flux::IdSet{0});
  ASSERT_TRUE(bench.instance().offline(flux::IdSet::range(2, 3), Departure::deleted));
  bench.advance(5);
  const Time second = bench.now();
  ASSERT_TRUE(bench.instance().online(flux::IdSet::range(2, 3)));
  EXPECT_EQ(online(bench), "0-1") << "that is noticed at once";
  bench.advance(0.05);
  for (const auto& [id, rank, status] : {std::tuple{single, 3, 256U}, std::tuple{pair, 2, 36608U}}) {
    const Job& job = *bench.jobs().find(id);
    EXPECT_EQ(job.state, JobState::inactive);
    EXPECT_EQ(job.exception->type, "exec");
    EXPECT_EQ(job.exception->severity, 0);
    EXPECT_EQ(job.exception->note,
              "node failure on flux-sample-" + std::to_string(rank) + " (rank " + std::to_string(rank) + ")");
    EXPECT_EQ(job.waitstatus, status);
    EXPECT_LT(*job.t_inactive - second, 0.05);
  }
  bench.advance(0.7);
  EXPECT_EQ(online(bench), "0-3");
  const auto& journal = bench.instance().resources().journal();
  EXPECT_EQ(journal.rbegin()[2].name, "offline");
  EXPECT_EQ(journal.rbegin()[2].context.at("idset"), "2");
  EXPECT_EQ(journal.rbegin()[1].name, "offline");
  EXPECT_EQ(journal.rbegin()[1].context.at("idset"), "3");
  EXPECT_EQ(journal.rbegin()[0].name, "online");
  EXPECT_EQ(bench.payload("overlay.health").at("status"), "full");
  const flux::JobId next = bench.submit(nodes(3));
  bench.advance(60);
  EXPECT_EQ(online(bench), "0-3") << "the end of the first broker changes nothing";
  EXPECT_EQ(bench.state(next), JobState::run);
  EXPECT_EQ(bench.state(elsewhere), JobState::run);
}

TEST(PodGrace, OfADrainedAndIdleRankNothingIsLost) {
  Bench bench(with_grace());
  const flux::JobId elsewhere = start_on(bench, flux::IdSet::range(0, 2));
  ASSERT_TRUE(bench.instance().resources().drain("3", "goes", std::nullopt));
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::deleted));
  bench.advance(1);
  const flux::JobId waiting = bench.submit(nodes(1));
  ASSERT_TRUE(bench.instance().online(flux::IdSet{3}));
  bench.advance(31);
  EXPECT_EQ(bench.payload("resource.status").at("drain").at("3").at("reason"), "goes");
  EXPECT_EQ(online(bench), "0-3");
  EXPECT_EQ(bench.state(elsewhere), JobState::run);
  EXPECT_EQ(bench.state(waiting), JobState::sched);
  EXPECT_EQ(bench.jobs().stats().all.failed, 0);
  ASSERT_TRUE(bench.instance().resources().undrain("3", std::nullopt, std::nullopt));
  bench.advance(0.1);
  EXPECT_EQ(bench.jobs().find(waiting)->ranks, flux::IdSet{3});
}

TEST(PodGrace, OnlineWithoutADeletionIsTheSameBroker) {
  Bench bench(with_grace());
  const flux::JobId id = start_on(bench, flux::IdSet{3});
  ASSERT_TRUE(bench.instance().online(flux::IdSet{3}));
  bench.advance(60);
  EXPECT_EQ(bench.state(id), JobState::run);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::deleted));
  ASSERT_TRUE(bench.instance().online(flux::IdSet{3}));
  bench.advance(1);
  EXPECT_EQ(bench.state(id), JobState::inactive);
  const flux::JobId next = start_on(bench, flux::IdSet{3});
  ASSERT_TRUE(bench.instance().online(flux::IdSet{3}));
  bench.advance(60);
  EXPECT_EQ(bench.state(next), JobState::run) << "the broker that is there is that of the new pod";
}

TEST(PodGrace, ANodeThatDiesWithinItEndsItEarly) {
  Bench bench(with_grace());
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::deleted));
  bench.advance(10);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::lost));
  bench.advance(1);
  EXPECT_EQ(online(bench), "0-2");
  ASSERT_TRUE(bench.instance().online(flux::IdSet{3}));
  bench.advance(60);
  EXPECT_EQ(online(bench), "0-3") << "the old deletion does not concern the new pod";
}

TEST(PodGrace, RankZeroStaysAndAShutdownIsNoDeletion) {
  Bench bench(with_grace());
  EXPECT_FALSE(bench.instance().offline(flux::IdSet::range(0, 1), Departure::deleted));
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::shutdown));
  bench.advance(0.6);
  EXPECT_EQ(online(bench), "0-2");
}

TEST(PodGrace, WithoutItABrokerStopsAtOnce) {
  Options options = with_grace();
  options.pod_grace.reset();
  Bench bench(options);
  ASSERT_TRUE(bench.instance().offline(flux::IdSet{3}, Departure::deleted));
  bench.advance(0.6);
  EXPECT_EQ(online(bench), "0-2");
  EXPECT_EQ(bench.payload("overlay.health").at("children").at(2).at("error"), "administrative shutdown");
}

TEST(PodGrace, IsWhatOfflineMeansUnlessItSaysOtherwise) {
  Bench bench(with_grace());
  EXPECT_EQ(bench.call("simulate.offline", {{"ranks", "3"}}).at("errnum"), 0);
  bench.advance(1);
  EXPECT_EQ(online(bench), "0-3");
  EXPECT_EQ(bench.call("simulate.offline", {{"ranks", "2"}, {"how", "shutdown"}}).at("errnum"), 0);
  bench.advance(1);
  EXPECT_EQ(online(bench), "0-1,3");
  EXPECT_TRUE(contains(
      std::string(bench.call("simulate.offline", {{"ranks", "3"}, {"how", "x"}}).at("errtext").as_string()),
      "it must be 'deleted', 'lost' or 'shutdown'"));
}

TEST(PodGrace, MustBeATime) {
  EXPECT_TRUE(check(with_grace(0)));
  const auto refused = check(with_grace(-1));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(contains(refused.error().message, "the grace period of -1 s"));
}

}  // namespace
}  // namespace fluxmetrics::simulate::test
