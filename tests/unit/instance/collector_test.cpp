#include "instance/collector.hpp"

#include <condition_variable>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <unistd.h>

#include <boost/json.hpp>

#include "simulate/job_request.hpp"
#include "simulate/server.hpp"

namespace fluxmetrics::instance {
namespace {

using namespace std::chrono_literals;
using State = std::shared_ptr<const InstanceState>;
constexpr auto patience = 30s;  // sanitizer builds on a busy machine are slow

// Takes what a collector says, and lets a test wait for what it expects.
class Listener {
 public:
  CollectorSink sink() {
    return {.state =
                [this](State state, Now confirmed) {
                  const std::lock_guard lock(mutex_);
                  state_ = std::move(state);
                  confirmed_ = confirmed;
                  trouble_.clear();
                  ++deliveries_;
                  changed_.notify_all();
                },
            .trouble =
                [this](Trouble why) {
                  const std::lock_guard lock(mutex_);
                  trouble_ = std::move(why.reason);
                  changed_.notify_all();
                }};
  }
  // The first state that `expected` accepts; null when none comes.
  State wait_for(const std::function<bool(const InstanceState&)>& expected) {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, patience, [&] { return state_ != nullptr && expected(*state_); });
    return came ? state_ : nullptr;
  }
  std::string wait_for_trouble() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return !trouble_.empty(); });
    return trouble_;
  }
  void wait_for_deliveries(std::uint64_t more) {
    std::unique_lock lock(mutex_);
    const auto target = deliveries_ + more;
    changed_.wait_for(lock, patience, [&] { return deliveries_ >= target; });
  }
  [[nodiscard]] std::pair<State, Now> last() {
    const std::lock_guard lock(mutex_);
    return {state_, confirmed_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_;
  Now confirmed_{};
  std::string trouble_;
  std::uint64_t deliveries_ = 0;
};

simulate::Options small_instance() {
  simulate::Options options;
  options.size = 2;
  options.max_size = 4;
  options.cores = 4;
  options.gpus = 1;
  return options;
}

void submit(simulate::Server& server, const simulate::JobRequest& request) {
  server.with([&](simulate::Instance& instance) {
    const auto jobspec = simulate::make_jobspec(request);
    ASSERT_TRUE(jobspec) << jobspec.error().message;
    const auto id = instance.jobs().submit(
        {.J = simulate::wrap_unsigned(instance.userid(), boost::json::serialize(*jobspec)),
         .urgency = request.urgency,
         .userid = instance.userid()});
    ASSERT_TRUE(id) << id.error().message;
  });
}

class CollectorTest : public ::testing::Test {
 protected:
  void start(simulate::Options options = small_instance()) {
    server_.emplace(std::move(options));
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void collect() {
    collector_.emplace(CollectorOptions{.socket_paths = {server_->socket_path()}}, listener_.sink());
  }

  std::optional<simulate::Server> server_;
  Listener listener_;
  std::optional<Collector> collector_;  // last: stops before the listener goes
};

// With the journal, a job is never seen running on ranks that look idle: they might be taken away.
TEST_F(CollectorTest, RunningJobsHoldWhatTheyRunOn) {
  auto options = small_instance();
  options.size = options.max_size = 16;
  start(options);
  std::mutex mutex;
  std::string wrong;
  auto sink = listener_.sink();
  sink.state = [&, tell = sink.state](State state, Now confirmed) {
    std::uint64_t held = 0;
    for (const auto& job : state->jobs)
      if (job.state == flux::JobState::run) held += job.nnodes.value_or(0);
    if (held > state->allocated.ranks().size()) {
      const std::lock_guard lock(mutex);
      wrong = fmt::format("{} nodes run jobs, {} are allocated", held, state->allocated.ranks().size());
    }
    tell(std::move(state), confirmed);
  };
  collector_.emplace(CollectorOptions{.socket_paths = {server_->socket_path()}}, std::move(sink));
  ASSERT_NE(listener_.wait_for([](const InstanceState& s) { return s.online.size() == 16; }), nullptr);
  for (int i = 0; i < 12; ++i) {
    submit(*server_, {.nodes = 1});
    listener_.wait_for_deliveries(1);
  }
  EXPECT_NE(listener_.wait_for([](const InstanceState& s) { return s.allocated.ranks().size() == 12; }),
            nullptr);
  collector_.reset();  // before what its sink writes to
  EXPECT_EQ(wrong, "");
}

TEST_F(CollectorTest, TellsNodesOfTheWholeInstance) {
  start();
  collect();
  const auto state = listener_.wait_for([](const InstanceState& s) { return s.online.size() == 2; });
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(state->size, 4U);
  EXPECT_TRUE(state->owner);
  EXPECT_EQ(state->offline.to_string(), "2-3");
  EXPECT_EQ(state->resources.total().cores, 16U) << "R has the ranks that are not born yet";
  EXPECT_EQ(state->up_ranks().to_string(), "0-1");
  ASSERT_EQ(state->queues.size(), 1U);
  EXPECT_TRUE(state->queues[0].started);
}

TEST_F(CollectorTest, FollowsJobsThroughTheJournalWithTheirShapes) {
  start();
  collect();
  ASSERT_NE(listener_.wait_for([](const InstanceState& s) { return s.jobs.empty(); }), nullptr);
  simulate::JobRequest wide;
  wide.nodes = 4;
  wide.gpus = 1;
  wide.slots = 4;
  submit(*server_, wide);
  const auto waiting = listener_.wait_for([](const InstanceState& s) {
    return s.jobs.size() == 1 && s.jobs[0].state == flux::JobState::sched && s.stats.all.states.sched == 1;
  });
  ASSERT_NE(waiting, nullptr);
  const auto& shape = waiting->shapes[waiting->jobs[0].shape];
  EXPECT_TRUE(shape.known);
  EXPECT_EQ(shape.nodes, 4U);
  EXPECT_EQ(shape.gpus, 1U) << "only the jobspec tells gpus";
  EXPECT_TRUE(waiting->eligible(waiting->jobs[0]));

  server_->with([](simulate::Instance& instance) { ASSERT_TRUE(instance.online(flux::IdSet{2, 3})); });
  const auto running = listener_.wait_for([](const InstanceState& s) {
    return s.jobs.size() == 1 && s.jobs[0].state == flux::JobState::run && !s.allocated.empty();
  });
  ASSERT_NE(running, nullptr);
  EXPECT_EQ(running->allocated.ranks().to_string(), "0-3");
  EXPECT_EQ(running->jobs[0].nnodes, 4U);
}

TEST_F(CollectorTest, SeesADrainWithoutAnyJob) {
  start();
  collect();
  ASSERT_NE(listener_.wait_for([](const InstanceState& s) { return s.drains.empty(); }), nullptr);
  server_->with([](simulate::Instance& instance) {
    ASSERT_TRUE(instance.resources().drain("1", std::string("flux-metrics-api: test"), {}));
  });
  const auto drained = listener_.wait_for([](const InstanceState& s) { return !s.drains.empty(); });
  ASSERT_NE(drained, nullptr);
  EXPECT_EQ(drained->drained_by_us().to_string(), "1");
  EXPECT_EQ(drained->up_ranks().to_string(), "0");
}

TEST_F(CollectorTest, ConfirmsAnUnchangedStateWithoutMakingANewOne) {
  start();
  collect();
  ASSERT_NE(listener_.wait_for([](const InstanceState&) { return true; }), nullptr);
  listener_.wait_for_deliveries(3);  // the connection settles
  const auto [before, confirmed_before] = listener_.last();
  listener_.wait_for_deliveries(2);
  const auto [after, confirmed_after] = listener_.last();
  EXPECT_EQ(before, after);
  EXPECT_GT(confirmed_after.mono, confirmed_before.mono);
}

TEST_F(CollectorTest, SaysWhyThereIsNoBrokerAndTakesTheOneThatComes) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("collector-test-{}", ::getpid());
  collector_.emplace(CollectorOptions{.socket_paths = {path}}, listener_.sink());
  EXPECT_NE(listener_.wait_for_trouble().find(path.string()), std::string::npos)
      << "the sentence names the socket";
  auto options = small_instance();
  options.socket = path;
  start(options);
  EXPECT_NE(listener_.wait_for([](const InstanceState& s) { return s.size == 4; }), nullptr);
}

TEST_F(CollectorTest, ComesBackWhenTheBrokerDropsItsClients) {
  start();
  collect();
  ASSERT_NE(listener_.wait_for([](const InstanceState&) { return true; }), nullptr);
  server_->drop_clients();
  EXPECT_FALSE(listener_.wait_for_trouble().empty());
  simulate::JobRequest narrow;
  narrow.nodes = 1;
  submit(*server_, narrow);
  EXPECT_NE(listener_.wait_for([](const InstanceState& s) { return s.jobs.size() == 1; }), nullptr)
      << "streams are opened again, too";
}

TEST_F(CollectorTest, StopsWhileTheBrokerIsBusyOrGone) {
  start();
  collect();
  collector_.reset();  // in the middle of connecting
  collect();
  ASSERT_NE(listener_.wait_for([](const InstanceState&) { return true; }), nullptr);
  server_->stop();
  collector_.reset();
}

TEST_F(CollectorTest, ReadsQueuesAndWhatTheyAdmit) {
  auto options = small_instance();
  options.queues = {{.name = "batch"}, {.name = "debug", .ranks = flux::IdSet{1}}};
  start(options);
  collect();
  const auto stopped = listener_.wait_for([](const InstanceState& s) { return s.queues.size() == 2; });
  ASSERT_NE(stopped, nullptr);
  EXPECT_FALSE(stopped->queues[0].started) << "configured queues start stopped";
  const auto hosts = stopped->resources.hosts();
  ASSERT_TRUE(hosts);
  EXPECT_EQ(stopped->queues[1].admits.admitted(stopped->resources, *hosts).to_string(), "1");
  server_->with([](simulate::Instance& instance) {
    ASSERT_TRUE(instance.start_queue(std::nullopt, true, true, std::nullopt));
  });
  EXPECT_NE(
      listener_.wait_for([](const InstanceState& s) { return s.queues[0].started && s.queues[1].started; }),
      nullptr);
}

}  // namespace
}  // namespace fluxmetrics::instance
