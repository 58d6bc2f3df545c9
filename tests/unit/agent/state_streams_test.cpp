#include "agent/state_streams.hpp"

#include <functional>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>

#include "instance/state_reader.hpp"

namespace fluxmetrics::agent {
namespace {

namespace asio = boost::asio;
using Source = std::shared_ptr<http::BodySource>;

// A store that the test publishes to, and the thread that serves.
struct Streams : ::testing::Test {
  asio::io_context io{1};
  metrics::Store store;
  Worker worker;
  std::uint64_t generation = 0;
  StreamOptions options{.most = 3, .most_of_user = 2, .heartbeat = Seconds(0.2), .longest_life = Seconds(60)};
  StateStreams streams{options, store, worker};

  void publish(std::uint32_t size, std::size_t jobs = 0) {
    auto state = std::make_shared<instance::InstanceState>();
    state->size = size;
    state->queues.resize(1);
    state->shapes.resize(1);
    std::vector<instance::Job> list(jobs);
    for (std::size_t i = 0; i < jobs; ++i)
      list[i].id = static_cast<flux::JobId>(i + 1);
    state->jobs = std::move(list);
    publish(std::move(state));
  }
  void publish(std::shared_ptr<const instance::InstanceState> state) {
    auto snapshot = std::make_shared<metrics::Snapshot>();
    snapshot->state = std::move(state);
    snapshot->confirmed = Now::read();
    snapshot->generation = ++generation;
    store.publish(std::move(snapshot));
  }
  Source open(const char* user, const char* requester) {
    auto opened = streams.open({user, requester}, io.get_executor());
    EXPECT_TRUE(opened) << opened.error().message;
    return opened.value_or(nullptr);
  }
  // The next line; nullopt at the end. Meanwhile `act` is done.
  std::optional<std::string> next(const Source& source, std::function<void()> act = {}) {
    std::optional<std::string> line;
    bool over = false;
    asio::co_spawn(io, source->next(),
                   [&](const std::exception_ptr& fault, std::optional<std::string> piece) {
                     EXPECT_FALSE(fault);
                     line = std::move(piece);
                     over = true;
                   });
    if (act) asio::post(io, std::move(act));
    io.restart();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!over && std::chrono::steady_clock::now() < until)
      io.run_one_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(over);
    if (line) {
      EXPECT_TRUE(line->ends_with("}\n")) << *line;
    }
    return line;
  }
};

TEST_F(Streams, AllOfItThenChangesThenThatItHolds) {
  publish(4);
  const auto source = open("alice", "");
  instance::StateReader reader;
  auto state = reader.take(next(source).value());
  ASSERT_TRUE(state) << state.error().message;
  ASSERT_TRUE(*state);
  EXPECT_EQ((*state)->size, 4U);

  state = reader.take(next(source, [&] { publish(5); }).value());
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ((*state)->size, 5U) << "published while it waited";

  const auto before = reader.stamp();
  const auto held = store.view().snapshot->state;
  publish(held);
  const auto same = reader.take(next(source).value());
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->get(), state->get()) << "a heartbeat changes nothing";
  EXPECT_GT(reader.stamp().generation, before.generation) << "but tells the newest confirmation";
}

TEST_F(Streams, ManyJobsAreSeveralLines) {
  publish(4, 5000);
  const auto source = open("alice", "");
  instance::StateReader reader;
  std::shared_ptr<instance::InstanceState> state;
  int lines = 0;
  while (!state) {
    auto taken = reader.take(next(source).value());
    ASSERT_TRUE(taken) << taken.error().message;
    state = *taken;
    ++lines;
  }
  EXPECT_EQ(lines, 3);
  EXPECT_EQ(state->jobs.size(), 5000U);
}

TEST_F(Streams, TellsTroubleAtOnceAndWhenItIsOver) {
  publish(4);
  const auto source = open("alice", "");
  next(source);
  const auto line = next(source, [&] { store.set_trouble("no broker answers"); }).value();
  const auto told = boost::json::parse(line).as_object();
  EXPECT_EQ(told.at("trouble").as_string(), "no broker answers");
  EXPECT_EQ(told.at("generation").to_number<int>(), 1);
  instance::StateReader reader;
  const auto held = store.view().snapshot->state;
  const auto over = next(source, [&] { publish(held); }).value();
  EXPECT_FALSE(boost::json::parse(over).as_object().contains("trouble"));
}

TEST_F(Streams, ASecondOneOfTheSameReplicaEndsTheFirst) {
  publish(4);
  const auto first = open("alice", "a");
  const auto other = open("alice", "b");
  next(first);
  const auto second = open("alice", "a");
  EXPECT_EQ(streams.count(), 2U);
  EXPECT_FALSE(next(first)) << "it is over";
  EXPECT_TRUE(next(second));
  EXPECT_TRUE(next(other));
}

TEST_F(Streams, AreNoMoreThanMayBe) {
  publish(4);
  auto one = open("alice", "a");
  const auto two = open("alice", "b");
  const auto three = open("bob", "a");
  const auto refused = streams.open({"bob", "b"}, io.get_executor());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, 429);
  EXPECT_TRUE(streams.open({"bob", "a"}, io.get_executor())) << "in place of its older one";
  one.reset();
  EXPECT_TRUE(open("bob", "b")) << "a stream that is gone leaves its place";
}

TEST_F(Streams, AUserTakesNobodyElsesPlace) {
  publish(4);
  const auto oldest = open("alice", "z");
  const auto other = open("alice", "b");
  next(oldest);
  const auto third = open("alice", "a");
  EXPECT_FALSE(next(oldest)) << "it makes room for the third";
  EXPECT_EQ(streams.count(), 2U);
  EXPECT_TRUE(next(other));
  EXPECT_TRUE(next(third));
  EXPECT_TRUE(next(open("bob", "a")));
}

TEST_F(Streams, EndInTimeAlsoInTheMidstOfAState) {
  options.longest_life = Seconds(0.2);
  StateStreams short_lived{options, store, worker};
  publish(4, 5000);
  const auto source = short_lived.open({"alice", ""}, io.get_executor()).value();
  EXPECT_TRUE(next(source));
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  EXPECT_FALSE(next(source)) << "two lines are left, and a slow client could take each in its time";
}

TEST_F(Streams, KeepNothingOfAStateWhenTheyHaveEnded) {
  publish(4, 5000);
  const auto begun = open("alice", "a");
  EXPECT_TRUE(next(begun));
  const auto writing = open("alice", "b");
  const std::weak_ptr<const instance::InstanceState> state = store.view().snapshot->state;
  begun->end();
  EXPECT_FALSE(next(writing, [&] { writing->end(); })) << "while its lines are being written";
  publish(5);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!state.expired() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the worker drops it a moment later
  EXPECT_TRUE(state.expired());
}

TEST_F(Streams, EndAtOnceWhenNobodyReads) {
  publish(4);
  const auto source = open("alice", "");
  next(source);
  EXPECT_FALSE(next(source, [&] { source->end(); }));
  EXPECT_EQ(streams.count(), 0U);
  EXPECT_FALSE(next(source)) << "and stays so";
}

}  // namespace
}  // namespace fluxmetrics::agent
