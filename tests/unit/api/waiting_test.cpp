#include "api/waiting.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fluxmetrics::api {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

asio::awaitable<void> work_of(milliseconds time, int* done) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
  ++*done;
}

asio::awaitable<void> at_once() {
  co_return;
}

asio::awaitable<void> broken() {
  throw std::runtime_error("broken");
  co_return;
}

struct Room {
  asio::io_context io{1};
  Waiting waiting{2};
  bool done = false;
  std::string fault;
  bool over = false;

  asio::awaitable<void> wait(asio::awaitable<void> work, Seconds at_most) {
    try {
      done = co_await waiting.wait(std::move(work), at_most);
    } catch (const std::exception& thrown) {
      fault = thrown.what();
    }
    over = true;
  }
  void begin(asio::awaitable<void> work, Seconds at_most) {
    asio::co_spawn(io, wait(std::move(work), at_most), asio::detached);
  }
};

TEST(Waiting, EndsWithTheWork) {
  Room room;
  int done = 0;
  room.begin(work_of(milliseconds(5), &done), Seconds(60));
  room.io.run();
  EXPECT_TRUE(room.done);
  EXPECT_EQ(done, 1);
  room.done = false;
  room.io.restart();
  room.begin(at_once(), Seconds(60));
  room.io.run();
  EXPECT_TRUE(room.done) << "also when it waits for nothing";
}

TEST(Waiting, EndsInTimeAndLetsTheWorkGoOn) {
  Room room;
  int done = 0;
  room.begin(work_of(milliseconds(300), &done), Seconds(0.01));
  while (!room.over)
    room.io.run_one();
  EXPECT_FALSE(room.done);
  EXPECT_EQ(done, 0);
  room.io.run();
  EXPECT_EQ(done, 1);
}

TEST(Waiting, KnowsWhenItIsFull) {
  Room room;
  int done = 0;
  EXPECT_FALSE(room.waiting.full());
  room.begin(work_of(milliseconds(20), &done), Seconds(60));
  room.begin(work_of(milliseconds(20), &done), Seconds(60));
  while (!room.waiting.full())
    ASSERT_NE(room.io.run_one(), 0U);
  room.io.run();
  EXPECT_FALSE(room.waiting.full());
  EXPECT_EQ(done, 2);
  EXPECT_FALSE(Waiting(0).full());
}

TEST(Waiting, CanBeEndedForAll) {
  Room room;
  int done = 0;
  room.begin(work_of(milliseconds(300), &done), Seconds(60));
  asio::post(room.io, [&room] { room.waiting.end_all(); });
  while (!room.over)
    room.io.run_one();
  EXPECT_FALSE(room.done);
  EXPECT_TRUE(room.waiting.ended());
  room.over = false;
  room.begin(work_of(milliseconds(300), &done), Seconds(60));
  while (!room.over)
    room.io.run_one();
  EXPECT_FALSE(room.done) << "nor does anybody wait later";
}

TEST(Waiting, PassesFaultsOn) {
  Room room;
  room.begin(broken(), Seconds(60));
  room.io.run();
  EXPECT_EQ(room.fault, "broken");
}

}  // namespace
}  // namespace fluxmetrics::api
