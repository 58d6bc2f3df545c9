#include "agent/commander.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include "simulate/job_request.hpp"
#include "simulate/server.hpp"

namespace fluxmetrics::agent {
namespace {

class CommanderTest : public ::testing::Test {
 protected:
  void start(std::uint32_t size = 4, std::uint32_t max_size = 6) {
    simulate::Options options;
    options.size = size;
    options.max_size = max_size;
    server_.emplace(options);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message;
    renew();
  }
  // As after a restart of the agent.
  void renew() { commander_.emplace(BrokerAddress{.socket_paths = {server_->socket_path()}}); }

  static Command command(Command::Kind kind, flux::IdSet ranks, std::int64_t transitions = 1) {
    return {.kind = kind,
            .ranks = std::move(ranks),
            .requester = "scaler-1",
            .lease = {.holder = "holder-" + std::to_string(transitions), .transitions = transitions},
            .deadline = Now::read().wall + std::chrono::hours(1)};
  }
  Outcome obey(Command command) {
    boost::asio::io_context io{1};
    std::optional<Outcome> outcome;
    boost::asio::co_spawn(io, commander_->obey(std::move(command)),
                          [&](const std::exception_ptr& fault, Outcome done) {
                            if (!fault) outcome = std::move(done);
                          });
    io.run();
    EXPECT_TRUE(outcome);
    return std::move(outcome).value_or(std::unexpected(kube::Status{}));
  }
  Outcome drain(flux::IdSet ranks, std::int64_t transitions = 1) {
    return obey(command(Command::Kind::drain, std::move(ranks), transitions));
  }
  Outcome undrain(flux::IdSet ranks, std::int64_t transitions = 1) {
    return obey(command(Command::Kind::undrain, std::move(ranks), transitions));
  }
  static void expect_refused(const Outcome& outcome, int code, std::string_view words) {
    ASSERT_FALSE(outcome) << "it was obeyed";
    EXPECT_EQ(outcome.error().code, code) << outcome.error().message;
    EXPECT_NE(outcome.error().message.find(words), std::string::npos) << outcome.error().message;
  }
  // A job that fills `nodes` nodes for ever, and runs; its id.
  flux::JobId run_job(std::uint32_t nodes) {
    flux::JobId id = 0;
    server_->with([&](simulate::Instance& instance) {
      simulate::JobRequest request;
      request.nodes = nodes;
      request.exclusive = true;
      const auto jobspec = simulate::make_jobspec(request);
      ASSERT_TRUE(jobspec);
      const auto submitted = instance.jobs().submit(
          {.J = simulate::wrap_unsigned(instance.userid(), boost::json::serialize(*jobspec)),
           .urgency = request.urgency,
           .userid = instance.userid()});
      ASSERT_TRUE(submitted) << submitted.error().message;
      id = *submitted;
    });
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto held = [&] {
      std::size_t count = 0;
      server_->with([&](simulate::Instance& instance) {
        const auto status = instance.resources().sched_status();
        for (const auto rank : status.all.ranks())
          if (status.allocated.on_rank(rank).cores > 0) ++count;
      });
      return count;
    };
    while (held() < nodes && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_GE(held(), nodes);
    return id;
  }
  void drain_as_administrator(const char* ranks) {
    server_->with([&](simulate::Instance& instance) {
      ASSERT_TRUE(instance.resources().drain(ranks, std::string("bad memory"), {}));
    });
  }
  std::vector<flux::Drain> drains() {
    std::vector<flux::Drain> found;
    server_->with([&](simulate::Instance& instance) { found = instance.resources().status().drains; });
    return found;
  }

  std::optional<simulate::Server> server_;
  std::optional<Commander> commander_;
};

TEST_F(CommanderTest, TellsWhatRunsOnTheRanksThatItHasDrained) {
  start();
  const auto job = run_job(4);
  const auto outcome = drain(flux::IdSet{2, 3, 5});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->drained.to_string(), "2-3,5") << "also the rank that nobody has yet";
  ASSERT_EQ(outcome->busy.size(), 2U);
  EXPECT_EQ(outcome->busy[0].rank, 2U);
  EXPECT_EQ(outcome->busy[1].rank, 3U);
  EXPECT_EQ(outcome->busy[1].jobs, std::vector<flux::JobId>{job});
  const auto undrained = undrain(flux::IdSet{2, 4, 5});
  ASSERT_TRUE(undrained) << undrained.error().message;
  EXPECT_EQ(undrained->drained.to_string(), "3") << "what stays drained; a rank that was not is no error";
  EXPECT_EQ(undrained->busy.size(), 1U);
}

TEST_F(CommanderTest, WritesWhoseCommandItWasIntoTheReason) {
  start();
  ASSERT_TRUE(drain(flux::IdSet{3}, 4));
  ASSERT_EQ(drains().size(), 1U);
  EXPECT_EQ(drains()[0].reason,
            "flux-metrics-api: giving the node back; lease 4 of holder-4; requested by scaler-1");
}

TEST_F(CommanderTest, AnOlderLeaseIsRefusedAlsoAfterARestart) {
  start();
  ASSERT_TRUE(drain(flux::IdSet{3}, 4));
  expect_refused(undrain(flux::IdSet{3}, 3), 409,
                 "transitions 3 of holder-3 are older than the 4 of holder-4");
  renew();
  expect_refused(undrain(flux::IdSet{3}, 3), 409,
                 "transitions 3 of holder-3 are older than the 4 of holder-4");
  EXPECT_TRUE(undrain(flux::IdSet{3}, 5));
  expect_refused(drain(flux::IdSet{3}, 4), 409, "older than the 5 of holder-5");
}

TEST_F(CommanderTest, RefusesRanksByName) {
  start();
  drain_as_administrator("2");
  expect_refused(drain(flux::IdSet{0, 3}), 422, "rank 0 leads the instance");
  expect_refused(undrain(flux::IdSet{0}), 422, "rank 0 leads the instance");
  expect_refused(drain(flux::IdSet{3, 6}), 422, "rank 6 does not exist, the last one is 5");
  expect_refused(drain(flux::IdSet{1, 2, 3}), 409, "ranks 2 are drained by somebody else ('bad memory')");
  expect_refused(undrain(flux::IdSet{2}), 409, "ranks 2 are drained by somebody else ('bad memory')");
  ASSERT_EQ(drains().size(), 1U) << "nothing was done";
  EXPECT_EQ(drains()[0].reason, "bad memory");
}

TEST_F(CommanderTest, ARefusedCommandOfANewerLeaseChangesNothing) {
  start();
  ASSERT_TRUE(drain(flux::IdSet{3}, 4));
  expect_refused(drain(flux::IdSet{0}, 9), 422, "rank 0");
  EXPECT_TRUE(undrain(flux::IdSet{3}, 4)) << "9 was not obeyed";
}

TEST_F(CommanderTest, ComesTooLate) {
  start();
  auto late = command(Command::Kind::drain, flux::IdSet{3});
  late.deadline = Now::read().wall - std::chrono::seconds(1);
  expect_refused(obey(std::move(late)), 409, "has passed");
  EXPECT_TRUE(drains().empty());
}

TEST_F(CommanderTest, AThousandRanksAreOneRequest) {
  start(1001, 1001);
  const auto outcome = drain(flux::IdSet::range(1, 1000));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->drained.to_string(), "1-1000");
  ASSERT_EQ(drains().size(), 1U);
  EXPECT_EQ(drains()[0].ranks.size(), 1000U);
}

TEST_F(CommanderTest, CommandsTakeTurns) {
  start();
  boost::asio::io_context io{1};
  int done = 0;
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    const auto kind = i % 2 == 0 ? Command::Kind::drain : Command::Kind::undrain;
    boost::asio::co_spawn(io, commander_->obey(command(kind, flux::IdSet{3})),
                          [&](const std::exception_ptr& fault, const Outcome& outcome) {
                            ASSERT_FALSE(fault);
                            outcome ? ++done : ++refused;
                            if (!outcome) {
                              EXPECT_EQ(outcome.error().code, 429);
                            }
                          });
  }
  io.run();
  EXPECT_EQ(done, 17) << "one at work and 16 that wait";
  EXPECT_EQ(refused, 13);
}

TEST_F(CommanderTest, TellsThatNoBrokerAnswers) {
  start();
  server_->stop();
  expect_refused(drain(flux::IdSet{3}), 503, "Flux cannot be asked: ");
}

}  // namespace
}  // namespace fluxmetrics::agent
