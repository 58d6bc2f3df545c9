#include "module/core.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <thread>

#include <boost/json.hpp>

#include "instance/state_message.hpp"
#include "instance/state_reader.hpp"
#include "simulate/job_request.hpp"
#include "simulate/server.hpp"

namespace fluxmetrics::module {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 30s;

simulate::Options small_instance() {
  simulate::Options options;
  options.size = 2;
  options.max_size = 4;
  options.cores = 4;
  return options;
}

class ModuleCore : public ::testing::Test {
 protected:
  void start(Options options = {}) {
    server_.emplace(small_instance());
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().message;
    core_.emplace(options, server_->socket_path(), [this] { ++rings_; });
    ASSERT_TRUE(wait([&] { return core_->document().has_value(); }));
  }
  static bool wait(const std::function<bool()>& wanted) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!wanted()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  void submit() {
    server_->with([](simulate::Instance& instance) {
      const auto jobspec = simulate::make_jobspec({.nodes = 1});
      ASSERT_TRUE(jobspec);
      const auto id = instance.jobs().submit(
          {.J = simulate::wrap_unsigned(instance.userid(), boost::json::serialize(*jobspec)),
           .urgency = 16,
           .userid = instance.userid()});
      ASSERT_TRUE(id) << id.error().message;
    });
  }
  // Reads what `feed` has now.
  std::shared_ptr<const instance::InstanceState> read(Feed& feed, instance::StateReader& reader) {
    for (;;) {
      const auto text = feed.next(Now::read());
      EXPECT_TRUE(text) << text.error().message;
      if (!text || *text == nullptr) return state_;
      const auto state = reader.take(**text);
      EXPECT_TRUE(state) << state.error().message;
      if (!state) return nullptr;
      if (*state) state_ = *state;
    }
  }

  std::optional<simulate::Server> server_;
  std::atomic<int> rings_ = 0;
  std::shared_ptr<const instance::InstanceState> state_;
  std::optional<Core> core_;
};

TEST_F(ModuleCore, FeedsTellWhatTheDocumentTells) {
  start();
  auto feed = core_->open_feed(1000, 0);
  ASSERT_TRUE(feed);
  instance::StateReader reader;
  ASSERT_NE(read(**feed, reader), nullptr);
  EXPECT_EQ(state_->size, 4U);
  EXPECT_TRUE(state_->jobs.empty());
  submit();
  ASSERT_TRUE(wait([&] {
    core_->begin_round();
    read(**feed, reader);
    return state_->jobs.size() == 1 && state_->allocated.total().cores > 0;
  }));
  // Compare at one generation: the state moves on meanwhile.
  ASSERT_TRUE(wait([&] {
    read(**feed, reader);
    instance::StateReader alone;
    const auto whole = alone.take(core_->document().value());
    return whole && alone.stamp().generation == reader.stamp().generation &&
           instance::state_document(**whole, {}, 10) == instance::state_document(*state_, {}, 10);
  }));
  EXPECT_GT(rings_, 1);
}

TEST_F(ModuleCore, SeveralFeedsShareTheirMessages) {
  start({.most_streams = 2});
  auto first = core_->open_feed(1000, 0);
  auto second = core_->open_feed(1000, 1);
  ASSERT_TRUE(first && second);
  instance::StateReader one;
  instance::StateReader other;
  ASSERT_NE(read(**first, one), nullptr);
  const auto by_first = state_;
  ASSERT_NE(read(**second, other), nullptr);
  EXPECT_EQ(instance::state_document(*by_first, {}, 10), instance::state_document(*state_, {}, 10));
  const auto third = core_->open_feed(1000, 2);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::unavailable);
}

TEST_F(ModuleCore, AFeedIsNoFurtherAheadThanItsWindow) {
  start();
  auto feed = core_->open_feed(4, 0);
  ASSERT_TRUE(feed);
  int messages = 0;
  ASSERT_TRUE(wait([&] {
    const auto text = (*feed)->next(Now::read());
    EXPECT_TRUE(text);
    messages += *text != nullptr ? 1 : 0;
    return messages == 4;
  }));
  auto now = Now::read();
  for (int i = 0; i < 10; ++i) {
    now.mono += 6s;
    const auto text = (*feed)->next(now);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, nullptr);
  }
  // It reads again, and there is something new.
  (*feed)->acknowledge();
  ASSERT_TRUE(wait([&] { return *(*feed)->next(Now::read()) != nullptr; }));
  ASSERT_TRUE(wait([&] { return *(*feed)->next(Now::read()) != nullptr; }));
  now = Now::read();
  EXPECT_EQ(*(*feed)->next(now), nullptr);
  now.mono += 61s;
  const auto end = (*feed)->next(now);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::timed_out);
}

TEST_F(ModuleCore, EndsFeedsWhenTheBrokerIsGone) {
  start();
  auto feed = core_->open_feed(1000, 0);
  ASSERT_TRUE(feed);
  server_.reset();
  std::optional<Error> end;
  ASSERT_TRUE(wait([&] {
    const auto text = (*feed)->next(Now::read());
    if (!text) end = text.error();
    return end.has_value();
  }));
  EXPECT_EQ(end->code, Code::unavailable);
  EXPECT_FALSE(core_->document());
}

TEST_F(ModuleCore, ExposesWhatIsFresh) {
  start({.max_staleness = 30s});
  const auto text = core_->exposition(metrics::ExpositionFormat::text, Now::read());
  ASSERT_TRUE(text) << text.error().message;
  const auto document = boost::json::parse(*text).as_object();
  EXPECT_EQ(document.at("content_type").as_string(), metrics::content_type(metrics::ExpositionFormat::text));
  EXPECT_NE(document.at("text").as_string().find("flux_nodes{state=\"idle\"} 2\n"), std::string::npos);
  const auto open = core_->exposition(metrics::ExpositionFormat::openmetrics, Now::read());
  ASSERT_TRUE(open);
  EXPECT_TRUE(boost::json::parse(*open).at("text").as_string().ends_with("# EOF\n"));
  auto later = Now::read();
  later.mono += 40s;
  const auto stale = core_->exposition(metrics::ExpositionFormat::text, later);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, Code::unavailable);
  const auto statistics = boost::json::parse(core_->statistics(3, Now::read())).as_object();
  EXPECT_EQ(statistics.at("streams"), boost::json::value(3));
  EXPECT_EQ(statistics.at("jobs"), boost::json::value(0));
}

TEST(ModuleOptions, AreReadOrRefusedWithASentence) {
  const auto parse = [](std::vector<std::string_view> words) { return parse_options(words); };
  const auto options = parse({"size-policy=head-of-line", "hold=5s", "patience=0", "min-replicas=2",
                              "max-replicas=8", "max-staleness=1m", "max-streams=3", "log=debug"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->policy.rule, sizing::SizeRule::head_of_line);
  EXPECT_EQ(options->policy.hold, 5s);
  EXPECT_EQ(options->policy.min_replicas, 2U);
  EXPECT_EQ(options->policy.max_replicas, 8U);
  EXPECT_EQ(options->max_staleness, 60s);
  EXPECT_EQ(options->most_streams, 3U);
  EXPECT_EQ(options->log_level, log::Level::debug);
  EXPECT_TRUE(parse({}));
  for (const std::string_view word : {"size", "max-size=3", "size-policy=", "hold=-1s", "min-replicas=0",
                                      "max-replicas=4294967296", "log=loud", "=", ""}) {
    const auto refused = parse({word});
    ASSERT_FALSE(refused) << word;
    EXPECT_NE(refused.error().message.find(word), std::string::npos) << refused.error().message;
  }
  EXPECT_FALSE(parse({"min-replicas=4", "max-replicas=2"}));
}

}  // namespace
}  // namespace fluxmetrics::module
