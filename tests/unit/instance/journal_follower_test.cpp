#include "instance/journal_follower.hpp"

#include <gtest/gtest.h>
#include <string>
#include <utility>

#include <boost/json.hpp>

namespace fluxmetrics::instance {
namespace {

using namespace std::chrono_literals;
using Phase = JournalFollower::Phase;

class JournalFollowerTest : public ::testing::Test {
 protected:
  JournalFollower::News tell(flux::JobId id, const std::string& name, boost::json::object context = {}) {
    return follower_.take(entry(id, name, std::move(context)), now_);
  }
  static flux::JournalReply entry(flux::JobId id, const std::string& name, boost::json::object context = {}) {
    flux::JournalReply reply;
    reply.id = id;
    reply.events.push_back(
        {.timestamp = 1700000000, .name = name, .context = std::move(context), .has_context = true});
    return reply;
  }
  JournalFollower::News end_backlog() {
    flux::JournalReply end;
    end.id = -1;
    return follower_.take(end, now_);
  }
  // `id` waits in the queue.
  void submit(flux::JobId id) {
    for (const char* const name : {"submit", "validate", "depend"})
      static_cast<void>(tell(id, name));
    static_cast<void>(tell(id, "priority", {{"priority", 16}}));
  }
  // `id` starts on rank 0.
  JournalFollower::News start(flux::JobId id) {
    auto reply = entry(id, "alloc");
    flux::ResourceSet R;
    R.entries.push_back({.ranks = {0}, .cores = flux::IdSet::range(0, 3), .gpus = {}});
    reply.R = R.to_json();
    return follower_.take(reply, now_);
  }
  [[nodiscard]] std::uint64_t starts() {
    std::uint64_t number = 0;
    for (const auto& queue : waits_.read())
      number += queue.waits.count();
    return number;
  }

  MonoTime now_ = MonoTime{} + 1h;
  JobTable jobs_;
  WaitTimes waits_;
  JournalFollower follower_{jobs_, waits_};
};

TEST_F(JournalFollowerTest, GoesThroughItsPhases) {
  EXPECT_EQ(follower_.phase(), Phase::off);
  EXPECT_FALSE(follower_.keeps_jobs());
  EXPECT_TRUE(follower_.complete()) << "lists tell of the jobs";
  follower_.begin(now_);
  EXPECT_EQ(follower_.phase(), Phase::backlog);
  EXPECT_TRUE(follower_.keeps_jobs());
  EXPECT_FALSE(follower_.complete()) << "half a backlog is half a demand";
  EXPECT_TRUE(end_backlog().now);
  EXPECT_EQ(follower_.phase(), Phase::live);
  EXPECT_TRUE(follower_.complete());
  follower_.end();
  EXPECT_EQ(follower_.phase(), Phase::ended);
  EXPECT_FALSE(follower_.complete()) << "what it told last may be long ago";
  follower_.stop();
  EXPECT_FALSE(follower_.keeps_jobs());
}

TEST_F(JournalFollowerTest, SaysWhatAnEntryMeansForOthers) {
  follower_.begin(now_);
  EXPECT_FALSE(tell(1, "submit").now) << "the backlog is published in one piece";
  end_backlog();
  const auto came = tell(2, "submit");
  EXPECT_TRUE(came.now);
  EXPECT_FALSE(came.allocated);
  EXPECT_FALSE(came.life);
  EXPECT_TRUE(tell(2, "alloc").allocated);
  EXPECT_TRUE(tell(2, "free").allocated);
  EXPECT_TRUE(tell(2, "exception", {{"severity", 0}}).life) << "an instance that ends cancels its jobs";
  EXPECT_EQ(jobs_.size(), 2U);
}

TEST_F(JournalFollowerTest, IsStuckInABacklogThatSaysNothing) {
  EXPECT_FALSE(follower_.stuck(now_ + 1h)) << "there is none";
  follower_.begin(now_);
  now_ += 3s;
  EXPECT_FALSE(follower_.stuck(now_));
  static_cast<void>(tell(1, "submit"));
  EXPECT_FALSE(follower_.stuck(now_ + 3s));
  EXPECT_TRUE(follower_.stuck(now_ + 3001ms));
  end_backlog();
  EXPECT_FALSE(follower_.stuck(now_ + 1h)) << "nothing happens, and so nothing is told";
}

TEST_F(JournalFollowerTest, BridgesWhatTheBrokerWasNotAskedForYet) {
  follower_.begin(now_);
  end_backlog();
  submit(1);
  static_cast<void>(start(1));
  EXPECT_EQ(follower_.allocated_over({}).ranks().to_string(), "0");
  follower_.caught_up(now_ - 1ms);
  EXPECT_EQ(follower_.allocated_over({}).ranks().to_string(), "0");
  follower_.caught_up(now_);
  EXPECT_TRUE(follower_.allocated_over({}).empty());
}

TEST_F(JournalFollowerTest, TellsAgainWhatAnOldListMayNotKnow) {
  follower_.begin(now_);
  end_backlog();
  submit(1);
  static_cast<void>(start(1));
  EXPECT_EQ(starts(), 1U);
  now_ += 1s;
  // The list is older: the job waits in it.
  const auto list = [&] {
    jobs_.begin_full(1);
    flux::ListedJob job;
    job.id = 1;
    job.state = flux::JobState::sched;
    jobs_.take(job);
    jobs_.end_full();
    follower_.repeat_after_list();
  };
  list();
  EXPECT_EQ(jobs_.count().run, 1);
  EXPECT_EQ(starts(), 1U) << "counted when it was told first";
  // What is older than any list's lag is not told again.
  now_ += 3s;
  static_cast<void>(tell(2, "submit"));
  list();
  EXPECT_EQ(jobs_.count().run, 0);
}

}  // namespace
}  // namespace fluxmetrics::instance
