#include "autoscale/drain.hpp"

#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "autoscale/busy_ranks.hpp"
#include "flux/blocking_client.hpp"
#include "simulate/job_request.hpp"
#include "simulate/server.hpp"

namespace fluxmetrics::autoscale {
namespace {

class ShrinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    simulate::Options options;
    options.size = 3;
    options.max_size = 4;
    server_.emplace(options);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message;
    auto connected = flux::BlockingClient::connect(server_->socket_path());
    ASSERT_TRUE(connected) << connected.error().message;
    broker_ = std::move(*connected);
  }

  Result<void> drain(flux::IdSet ranks) {
    return broker_->wait_for(autoscale::drain(broker_->client(), std::move(ranks)));
  }
  sizing::ResizeObservation look() {
    auto seen = broker_->wait_for(look_at_ranks(broker_->client()));
    EXPECT_TRUE(seen) << seen.error().message;
    return seen.value_or(sizing::ResizeObservation{});
  }
  Result<void> undrain(flux::IdSet ranks) {
    return broker_->wait_for(undrain_ours(broker_->client(), std::move(ranks)));
  }

  // A job that fills `nodes` nodes for ever; returns its id.
  flux::JobId submit(std::uint32_t nodes) {
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
    return id;
  }

  bool holds(flux::IdSet::Id rank) {
    bool found = false;
    server_->with([&](simulate::Instance& instance) {
      found = instance.resources().sched_status().allocated.on_rank(rank).cores > 0;
    });
    return found;
  }

  flux::IdSet drained() {
    flux::IdSet ranks;
    server_->with([&](simulate::Instance& instance) {
      for (const auto& drain : instance.resources().status().drains)
        ranks |= drain.ranks;
    });
    return ranks;
  }

  void eventually(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_TRUE(condition());
  }

  std::optional<simulate::Server> server_;
  std::unique_ptr<flux::BlockingClient> broker_;
};

TEST_F(ShrinkTest, WaitsForTheJobThatRunsOnARankThatGoes) {
  const auto id = submit(3);
  eventually([&] { return holds(2); });
  const auto acknowledged = drain(flux::IdSet{2, 3});
  ASSERT_TRUE(acknowledged) << acknowledged.error().message;
  EXPECT_EQ(look().busy.to_string(), "0-2") << "draining does not stop a job";
  EXPECT_EQ(drained().to_string(), "2-3") << "the rank that is not born yet is drained as well";

  server_->with([&](simulate::Instance& instance) {
    ASSERT_TRUE(instance.jobs().raise(id, "cancel", 0, "", instance.userid()));
  });
  eventually([&] { return look().busy.empty(); });
}

TEST_F(ShrinkTest, NoJobStartsOnADrainedRank) {
  ASSERT_TRUE(drain(flux::IdSet{2}));
  submit(1);
  submit(1);
  submit(1);
  eventually([&] { return holds(0) && holds(1); });
  EXPECT_FALSE(holds(2));
}

TEST_F(ShrinkTest, UndrainsOnlyWhatIsOurs) {
  server_->with([](simulate::Instance& instance) {
    ASSERT_TRUE(instance.resources().drain("1", std::string("bad memory"), {}));
  });
  ASSERT_TRUE(drain(flux::IdSet{1, 2}));
  const auto seen = look();
  EXPECT_EQ(seen.ours.to_string(), "2");
  EXPECT_EQ(seen.others.to_string(), "1");
  EXPECT_EQ(seen.online.to_string(), "0-2");
  EXPECT_EQ(seen.ranks, 4U);
  const auto undrained = undrain(flux::IdSet{0, 1, 2});
  ASSERT_TRUE(undrained) << undrained.error().message;
  EXPECT_EQ(drained().to_string(), "1") << "an administrator's drain stays";
  EXPECT_TRUE(undrain(flux::IdSet{0, 1, 2})) << "nothing to undrain is no error";
}

TEST_F(ShrinkTest, NamesTheJobsOnRanks) {
  const auto wide = submit(2);
  const auto narrow = submit(1);
  eventually([&] { return holds(0) && holds(1) && holds(2); });
  const auto jobs = [&](flux::IdSet ranks) {
    auto found = broker_->wait_for(jobs_of(broker_->client(), std::move(ranks)));
    EXPECT_TRUE(found) << found.error().message;
    return jobs_in(found.value_or(std::vector<BusyRank>{}));
  };
  EXPECT_EQ(jobs(flux::IdSet{0, 1, 2}), (std::vector{wide, narrow}));
  EXPECT_EQ(jobs(flux::IdSet{0, 1, 2}).size(), jobs(flux::IdSet{0}).size() + jobs(flux::IdSet{2}).size());
  EXPECT_TRUE(jobs(flux::IdSet{3}).empty());
}

TEST_F(ShrinkTest, FindsTheBrokersThatLive) {
  const auto living = [&](flux::IdSet ranks) {
    return broker_->wait_for(ranks_that_answer(broker_->client(), std::move(ranks))).to_string();
  };
  EXPECT_EQ(living(flux::IdSet{0, 1, 2, 3}), "0-2") << "3 is not born";
  EXPECT_EQ(living(flux::IdSet{3}), "");
  EXPECT_EQ(living({}), "");
}

TEST_F(ShrinkTest, TellsWhenTheBrokerIsGone) {
  server_->stop();
  const auto refused = drain(flux::IdSet{2});
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().message.empty());
}

// Flux refuses to drain what its configuration excludes, and no job starts there.
TEST(Shrink, LeavesExcludedRanksAlone) {
  simulate::Options options;
  options.size = 3;
  options.max_size = 4;
  options.excluded = flux::IdSet{2};
  simulate::Server server(options);
  ASSERT_TRUE(server.start());
  auto broker = flux::BlockingClient::connect(server.socket_path());
  ASSERT_TRUE(broker);
  const auto seen = (*broker)->wait_for(look_at_ranks((*broker)->client()));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->others.to_string(), "2");
  EXPECT_EQ(sizing::ranks_to_drain(*seen, 1).to_string(), "1,3");
}

TEST(Shrink, IsForOwnersAndTopInstances) {
  instance::InstanceState state;
  ASSERT_FALSE(may_act(state));
  EXPECT_EQ(may_act(state).error().code, Code::denied);
  state.owner = true;
  EXPECT_TRUE(may_act(state));
  state.level = 1;
  ASSERT_FALSE(may_act(state));
  EXPECT_EQ(may_act(state).error().code, Code::unsupported);
}

TEST(Shrink, IsRefusedWhereDrainsKillJobsThatWait) {
  instance::Scheduler scheduler;
  EXPECT_TRUE(may_drain(scheduler)) << "no Fluxion";
  scheduler.kind = instance::Scheduler::Kind::simple;
  EXPECT_TRUE(may_drain(scheduler));
  scheduler.kind = instance::Scheduler::Kind::fluxion;
  EXPECT_FALSE(may_drain(scheduler)) << "what is not known is not done";
  scheduler.queue_policy = instance::Setting::of("fcfs");
  EXPECT_FALSE(may_drain(scheduler)) << "its filters are not known";
  scheduler.prune_filters = instance::Setting::of("ALL:core,ALL:node");
  const auto refused = may_drain(scheduler);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
  EXPECT_NE(refused.error().message.find("easy, hybrid or conservative"), std::string::npos)
      << refused.error().message;
  scheduler.prune_filters = instance::Setting::of("ALL:core");
  EXPECT_TRUE(may_drain(scheduler));
  scheduler.queue_policy = instance::Setting::of("easy");
  scheduler.prune_filters = {};
  EXPECT_TRUE(may_drain(scheduler));
}

}  // namespace
}  // namespace fluxmetrics::autoscale
