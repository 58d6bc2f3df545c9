#include "instance/state_message.hpp"

#include <gtest/gtest.h>
#include <random>

#include <boost/json.hpp>

#include "instance/state_reader.hpp"
#include "support/capture_state.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::instance {
namespace {

using support::ids;
constexpr std::size_t all_jobs = 1'000'000;
const std::vector<std::string> captures{"01-empty",
                                        "02-mixed",
                                        "03-drained",
                                        "04-lost",
                                        "06-minicluster-4of6",
                                        "09-minicluster-drained-offline",
                                        "10-minicluster-lost-subinstance",
                                        "11-subinstance-lost-rank",
                                        "12-discovery-empty",
                                        "15-sizes",
                                        "16-pending2000",
                                        "20-exclude-torpid"};

// As a collector has it: the jobs by id.
InstanceState recorded(const std::string& name) {
  auto state = support::captured_state(name);
  std::ranges::sort(state.jobs.edit(), {}, &Job::id);
  return state;
}

StateStamp stamp(std::uint64_t generation = 1) {
  return {.generation = generation, .confirmed = from_unix(1700000000.25)};
}

// Everything that is told of a state; equal texts are equal states.
std::string text_of(const InstanceState& state) {
  return state_document(state, stamp(), all_jobs);
}

std::shared_ptr<InstanceState> take_all(StateReader& reader, const std::vector<std::string>& messages) {
  std::shared_ptr<InstanceState> last;
  for (const auto& message : messages) {
    EXPECT_EQ(last, nullptr) << "only the last message makes a state";
    auto state = reader.take(message);
    EXPECT_TRUE(state) << state.error().message;
    if (!state) return nullptr;
    last = *state;
  }
  return last;
}

TEST(StateMessage, ReadsBackWhatWasRecorded) {
  for (const auto& name : captures) {
    const auto state = recorded(name);
    StateReader reader;
    const auto read = reader.take(text_of(state));
    ASSERT_TRUE(read) << name << ": " << read.error().message;
    ASSERT_NE(*read, nullptr) << name;
    EXPECT_TRUE(text_of(**read) == text_of(state)) << name;
    EXPECT_TRUE(std::ranges::equal(std::as_const((*read)->jobs), std::as_const(state.jobs))) << name;
    EXPECT_EQ((*read)->resources, state.resources) << name;
    EXPECT_EQ((*read)->allocated, state.allocated) << name;
    EXPECT_EQ((*read)->shapes, state.shapes) << name;
    EXPECT_EQ((*read)->stats, state.stats) << name;
    EXPECT_EQ((*read)->drains, state.drains) << name;
  }
}

TEST(StateMessage, EveryStateIsReachedFromEveryOther) {
  StateReader reader;
  std::shared_ptr<InstanceState> before;
  std::uint64_t generation = 0;
  for (std::size_t step = 1; step < captures.size(); ++step) {
    for (std::size_t at = 0; at < captures.size(); ++at) {
      const auto after = recorded(captures[at * step % captures.size()]);
      before = take_all(reader, state_messages(before.get(), after, stamp(++generation)));
      ASSERT_NE(before, nullptr);
      ASSERT_TRUE(text_of(*before) == text_of(after));
      ASSERT_EQ(reader.stamp().generation, generation);
    }
  }
}

TEST(StateMessage, ManyJobsTakeManyMessages) {
  auto state = recorded("02-mixed");
  const Job pattern = state.jobs[0];
  std::vector<Job> jobs;
  for (flux::JobId id = 1; id <= 10'000; ++id) {
    jobs.push_back(pattern);
    jobs.back().id = id * 3;
  }
  state.jobs = jobs;
  StateReader reader;
  const auto whole = state_messages(nullptr, state, stamp());
  EXPECT_EQ(whole.size(), 5U);
  for (const auto& message : whole)
    EXPECT_LT(message.size(), 1U << 20U);
  auto read = take_all(reader, whole);
  ASSERT_NE(read, nullptr);
  EXPECT_TRUE(text_of(*read) == text_of(state));

  // A third goes, a third changes, some come.
  const auto before = state;
  std::mt19937 random(7);
  std::vector<Job> next;
  for (Job job : jobs) {
    const auto fate = random() % 3;
    if (fate == 0) continue;
    if (fate == 1) job.state = flux::JobState::cleanup;
    next.push_back(job);
    if (random() % 5 == 0) {
      next.push_back(job);
      ++next.back().id;
    }
  }
  state.jobs = next;
  const auto delta = state_messages(&before, state, stamp(2));
  read = take_all(reader, delta);
  ASSERT_NE(read, nullptr);
  EXPECT_TRUE(text_of(*read) == text_of(state));
  EXPECT_EQ(state_document(state, stamp(), 100), "") << "a limit is a limit";
}

TEST(StateMessage, ConfirmsWithoutACopy) {
  const auto state = recorded("02-mixed");
  StateReader reader;
  const auto first = take_all(reader, state_messages(nullptr, state, stamp(4)));
  const auto second =
      reader.take(confirmation_message({.generation = 5, .confirmed = from_unix(1700000009)}));
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, first);
  EXPECT_EQ(reader.stamp().generation, 5U);
  EXPECT_EQ(reader.stamp().confirmed, from_unix(1700000009));
  EXPECT_LT(confirmation_message(stamp()).size(), 120U);
  EXPECT_LT(state_messages(&state, state, stamp()).at(0).size(), 120U) << "nothing changed, nothing is told";
}

TEST(StateMessage, RefusesWhatIsNoState) {
  const auto whole = boost::json::parse(text_of(recorded("02-mixed"))).as_object();
  const auto refuses = [](const boost::json::object& document) {
    StateReader reader;
    const auto read = reader.take(boost::json::serialize(document));
    return !read && !read.error().message.empty();
  };
  EXPECT_FALSE(refuses(whole));
  const auto with = [&](std::string_view key, boost::json::value value) {
    auto document = whole;
    document[key] = std::move(value);
    return document;
  };
  EXPECT_TRUE(refuses({{"generation", 1}})) << "a change of nothing";
  EXPECT_TRUE(refuses(with("format", "flux-metrics-api.state/2")));
  EXPECT_TRUE(refuses(with("queues", boost::json::array())));
  EXPECT_TRUE(refuses(with("shapes", boost::json::array())));
  EXPECT_TRUE(refuses(with("instance", 3)));
  EXPECT_TRUE(refuses(with("jobs", {{{"id", "1"}, {"state", "dancing"}, {"queue", ""}, {"shape", 0}}})));
  EXPECT_TRUE(refuses(with("gone", {"x"})));
  EXPECT_TRUE(refuses(with("exact", {{"online", "1-"}})));
  EXPECT_TRUE(refuses(with("exact", {{"resources", {{"version", 2}}}})));
  EXPECT_TRUE(refuses(with("exact", {{"admits", boost::json::array()}})));
  EXPECT_TRUE(refuses(with("exact", {{"waits", {{{"queue", "x"}, {"counts", {1, 2}}}}}})));
  StateReader reader;
  EXPECT_FALSE(reader.take("[1]"));
  EXPECT_FALSE(reader.take("nonsense"));
}

TEST(WaitTimes, AddsWhatAnotherOneCountedMeanwhile) {
  WaitTimes theirs;
  theirs.started("batch", 1, 1.5);
  const auto before = theirs.read();
  theirs.started("batch", 1, 41);
  theirs.started("debug", 1, 2);
  WaitTimes ours;
  ours.started("batch", 1, 5);
  ours.add_between(before, theirs.read());
  const auto counted = ours.read();
  ASSERT_EQ(counted.size(), 2U);
  EXPECT_EQ(counted[0].waits.count(), 2U);
  EXPECT_DOUBLE_EQ(counted[0].waits.sum(), 44);
  EXPECT_EQ(counted[1].waits.count(), 1U);
  ours.add_between(theirs.read(), theirs.read());
  EXPECT_EQ(ours.read(), counted) << "nothing came";
  ours.add_between({}, before);
  EXPECT_EQ(ours.read()[0].waits.count(), 3U);
}

}  // namespace
}  // namespace fluxmetrics::instance
