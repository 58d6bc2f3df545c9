#include "user/worker.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <map>

namespace fluxmetrics::user {
namespace {

using namespace std::chrono_literals;

TEST(BackOff, WaitsTwiceAsLongEachTimeUpToAMinute) {
  BackOff bench;
  MonoTime now(100s);
  EXPECT_TRUE(bench.due(now));
  EXPECT_FALSE(bench.waits());
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    bench.failed(now);
    EXPECT_EQ(bench.until(), now + std::chrono::seconds(pause));
    EXPECT_FALSE(bench.due(bench.until() - 1ms));
    now = bench.until();
    EXPECT_TRUE(bench.due(now));
  }
  bench.succeeded();
  EXPECT_TRUE(bench.due(now));
  bench.failed(now);
  EXPECT_EQ(bench.until(), now + 1s);
}

// What a source of a test does, and what it was asked.
struct Script {
  std::mutex mutex;
  std::map<std::size_t, int> evaluated;
  int prepared = 0;
  bool unprepared = false;
  bool kills = true;  // metric 1
  std::chrono::milliseconds takes{0};
};

class ScriptedSource : public Source {
 public:
  ScriptedSource(Script& script, bool of_state, Rhythm rhythm)
      : script_(script), of_state_(of_state), rhythm_(rhythm) {}
  [[nodiscard]] std::span<const metrics::UserMetric> metrics() const override { return metrics_; }
  [[nodiscard]] Rhythm rhythm() const override { return rhythm_; }
  [[nodiscard]] bool reads_state() const override { return of_state_; }
  [[nodiscard]] bool of_state(std::size_t index) const override { return of_state_ && index != 2; }
  [[nodiscard]] Result<void> prepare(const std::shared_ptr<const instance::InstanceState>& state,
                                     WallTime /*confirmed*/) override {
    const std::scoped_lock lock(script_.mutex);
    EXPECT_NE(state, nullptr);
    ++script_.prepared;
    if (script_.unprepared) return fail(Code::unavailable, "no child");
    return {};
  }
  [[nodiscard]] Outcome evaluate(std::size_t index) override {
    std::this_thread::sleep_for(script_.takes);
    const std::scoped_lock lock(script_.mutex);
    ++script_.evaluated[index];
    if (index == 1 && script_.kills) return {.items = fail(Code::unavailable, "it died"), .fatal = true};
    return {.items = std::vector<metrics::Item>{{.labels = {}, .value = static_cast<double>(index)}}};
  }
  void set_stop(int descriptor) override { EXPECT_GE(descriptor, 0); }

 private:
  Script& script_;
  bool of_state_;
  Rhythm rhythm_;
  std::vector<metrics::UserMetric> metrics_{{.name = "a"}, {.name = "b"}, {.name = "c"}};
};

class Workers : public testing::Test {
 protected:
  static std::shared_ptr<const instance::InstanceState> state() {
    return std::make_shared<const instance::InstanceState>();
  }
  Worker& start(bool of_state, Rhythm rhythm) {
    worker_.emplace(std::make_unique<ScriptedSource>(script_, of_state, rhythm), 10);
    worker_->start([this](std::vector<metrics::UserReading> news) {
      const std::scoped_lock lock(mutex_);
      for (auto& [index, reading] : news)
        readings_[index] = std::move(reading);
    });
    return *worker_;
  }
  // The reading of metric `index` once `right` of it.
  template <class Right>
  void await(std::size_t index, Right right) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (;;) {
      {
        const std::scoped_lock lock(mutex_);
        const auto found = readings_.find(index);
        if (found != readings_.end() && right(found->second)) return;
      }
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "metric " << index;
      std::this_thread::sleep_for(2ms);
    }
  }
  int evaluated(std::size_t index) {
    const std::scoped_lock lock(script_.mutex);
    return script_.evaluated[index];
  }

  Script script_;
  std::mutex mutex_;
  std::map<std::size_t, metrics::Reading> readings_;
  std::optional<Worker> worker_;  // last: its thread uses the others
};

TEST_F(Workers, TriesAgainWhatKilledAndLeavesTheOthersTheirValues) {
  auto& worker = start(true, {.pause = Seconds(0)});
  const auto first = state();
  worker.on_state(first, Now::read());
  await(10, [&](const auto& reading) { return reading.items && reading.state == first; });
  await(11, [](const auto& reading) { return !reading.items && reading.items.error().message == "it died"; });
  {
    const std::scoped_lock lock(script_.mutex);
    script_.kills = false;
  }
  await(11, [](const auto& reading) { return reading.items.has_value(); });  // after a second
  EXPECT_EQ(evaluated(0), 1);                                                // of one state once
  const auto second = state();
  worker.on_state(second, Now::read());
  await(11, [&](const auto& reading) { return reading.items && reading.state == second; });
  EXPECT_EQ(evaluated(0), 2);
}

TEST_F(Workers, WorksWithoutAChangeWhereValuesAreNotOfTheState) {
  auto& worker = start(false, {.pause = Seconds(0), .every = Seconds(0.01)});
  const auto before = Now::read();
  worker.on_state(state(), before);
  await(10,
        [&](const auto& reading) { return reading.items && reading.measured->mono > before.mono + 50ms; });
  await(10, [](const auto& reading) { return reading.state == nullptr; });
  EXPECT_GT(evaluated(0), 1);
}

TEST_F(Workers, WorksOutAgainWhatTimeChangesAndKeepsTheStatesTime) {
  script_.kills = false;
  auto& worker = start(true, {.pause = Seconds(0), .every = Seconds(0.01)});
  const auto only = state();
  const Now first{.wall = WallTime(100s), .mono = MonoTime(100s)};
  const Now later{.wall = WallTime(101s), .mono = MonoTime(101s)};
  worker.on_state(only, first);
  await(12, [&](const auto& reading) { return reading.items && reading.measured->wall == first.wall; });
  worker.on_state(only, later);
  await(12, [&](const auto& reading) { return reading.items && reading.measured->wall == later.wall; });
  await(12, [](const auto& reading) { return reading.state == nullptr; });
  EXPECT_EQ(evaluated(0), 1);  // that follows from the state alone
}

TEST_F(Workers, RestsNoLongerThanValuesAreKept) {
  script_.kills = false;
  script_.takes = 300ms;
  start(false, {.pause = Seconds(0), .every = Seconds(0.01), .longest = Seconds(1)})
      .on_state(state(), Now::read());
  await(12, [](const auto& reading) { return reading.items.has_value(); });
  const auto first = Now::read();
  await(10, [&](const auto& reading) { return reading.measured->mono > first.mono; });
  // A round took 0.9 s at least: four times that would have been its rest.
  EXPECT_LT(Now::read().mono - first.mono, 3s);
}

TEST_F(Workers, HandsOnWhatWasSlowBeforeTheRoundEnds) {
  script_.kills = false;
  script_.takes = 200ms;
  start(false, {.pause = Seconds(3600)}).on_state(state(), Now::read());
  await(10, [](const auto& reading) { return reading.items.has_value(); });
  EXPECT_LT(evaluated(2), 1);
}

TEST_F(Workers, SaysOfAllWhyThereIsNoChild) {
  script_.unprepared = true;
  auto& worker = start(true, {.pause = Seconds(0)});
  worker.on_state(state(), Now::read());
  for (const std::size_t index : {10U, 11U, 12U})
    await(index,
          [](const auto& reading) { return !reading.items && reading.items.error().message == "no child"; });
  {
    const std::scoped_lock lock(script_.mutex);
    script_.unprepared = false;
    EXPECT_LT(script_.prepared, 10);
    EXPECT_EQ(script_.evaluated.size(), 0U);
  }
  await(12, [](const auto& reading) { return reading.items.has_value(); });
}

TEST_F(Workers, EndsAtOnceWithoutAState) {
  start(true, {.pause = Seconds(3600)});
  worker_.reset();
  EXPECT_TRUE(readings_.empty());
}

}  // namespace
}  // namespace fluxmetrics::user
