#include "instance/job_polls.hpp"

#include <gtest/gtest.h>

#include "flux/job_list.hpp"

namespace fluxmetrics::instance {
namespace {

using namespace std::chrono_literals;
using Kind = JobList::Kind;

// Time is what the test says it is: none of it passes by itself.
class JobPollsTest : public ::testing::Test {
 protected:
  // A full list of so many jobs, which takes `took`; the latest thing in it happened at 1000.5.
  void list_in_full(std::size_t jobs, MonoTime::duration took = 1ms) {
    ASSERT_EQ(polls_.begin({}).front().kind, Kind::active);
    table_.begin_full(jobs);
    for (std::size_t id = 1; id <= jobs; ++id) {
      flux::ListedJob job;
      job.id = static_cast<flux::JobId>(id);
      job.state = flux::JobState::sched;
      table_.take(job);
    }
    table_.end_full();
    polls_.listed({.kind = Kind::active}, 1000.5);
    polls_.end(now_, now_ + took);
    now_ += took;
  }
  void job_came() {
    auto after = counts_;
    ++after.states.total;
    ++after.states.sched;
    polls_.counts_moved(counts_, after);
    counts_ = after;
  }
  void job_started() {
    auto after = counts_;
    --after.states.sched;
    ++after.states.run;
    polls_.counts_moved(counts_, after);
    counts_ = after;
  }
  [[nodiscard]] flux::JobStates told(std::int64_t sched) const {
    return {.sched = sched, .inactive = 5, .total = sched + 5};
  }

  MonoTime now_ = MonoTime{} + 1h;
  flux::QueueStats counts_;
  JobTable table_;
  JobPolls polls_{table_, 15s};
};

TEST_F(JobPollsTest, BeginsWithAProof) {
  EXPECT_TRUE(polls_.may_run(now_));
  EXPECT_EQ(polls_.begin({}), (std::vector<JobList>{{.kind = Kind::active, .by_the_clock = true}}));
  EXPECT_FALSE(polls_.due());
}

TEST_F(JobPollsTest, ListsFewJobsInFull) {
  list_in_full(1000);
  EXPECT_FALSE(polls_.due());
  job_started();
  EXPECT_EQ(polls_.begin({}), (std::vector<JobList>{{.kind = Kind::active}})) << "metered: no proof";
}

TEST_F(JobPollsTest, AsksManyJobsForChangesSinceTheLastOnes) {
  list_in_full(1001);
  job_started();
  EXPECT_EQ(polls_.begin({}), (std::vector<JobList>{{.kind = Kind::started, .since = 999.5},
                                                    {.kind = Kind::ended, .since = 999.5}}));
  polls_.listed({.kind = Kind::started}, 1010.5);
  polls_.listed({.kind = Kind::ended}, 0);
  polls_.end(now_, now_);
  job_came();
  job_started();
  EXPECT_EQ(polls_.begin({.depend = 1}), (std::vector<JobList>{{.kind = Kind::depending},
                                                               {.kind = Kind::scheduled, .since = 999.5},
                                                               {.kind = Kind::started, .since = 1009.5},
                                                               {.kind = Kind::ended, .since = 999.5}}));
}

TEST_F(JobPollsTest, AsksABrokerThatCannotListChangesForAllJobs) {
  polls_.set_can_list_changes(false);
  list_in_full(1001);
  job_started();
  EXPECT_EQ(polls_.begin({}), (std::vector<JobList>{{.kind = Kind::active}}));
  polls_.prove();
  EXPECT_FALSE(polls_.begin({}).front().by_the_clock) << "each list is a full one: they are all metered";
}

TEST_F(JobPollsTest, PausesByTheCostOfTheListThatIsDue) {
  list_in_full(1001, 100ms);
  job_started();
  EXPECT_TRUE(polls_.may_run(now_)) << "no list of changes has run yet";
  static_cast<void>(polls_.begin({}));
  polls_.end(now_, now_ + 2ms);
  job_started();
  EXPECT_EQ(polls_.next(), now_ + 202ms);
  polls_.prove();
  EXPECT_EQ(polls_.next(), now_ + 10s) << "a hundred times what the full list took";
  EXPECT_FALSE(polls_.may_run(now_ + 9s));
  EXPECT_TRUE(polls_.may_run(now_ + 10s));
}

TEST_F(JobPollsTest, NeverPausesLongerThanItMay) {
  list_in_full(10, 2s);
  EXPECT_EQ(polls_.next(), now_ + 15s);
}

TEST_F(JobPollsTest, ProvesEveryFiveMinutes) {
  list_in_full(1001, 1s);
  EXPECT_EQ(polls_.full_list(), 1s);
  EXPECT_DOUBLE_EQ(polls_.share_of_proofs(), 1.0 / 300);
  polls_.prove_by(now_ + 299s);
  EXPECT_FALSE(polls_.due());
  polls_.prove_by(now_ + 300s);
  EXPECT_EQ(polls_.begin({}), (std::vector<JobList>{{.kind = Kind::active, .by_the_clock = true}}));
}

TEST_F(JobPollsTest, AsksForAllJobsWhenTheCountsDisagreeAgainAndAgain) {
  list_in_full(1001);
  polls_.compare(told(1001), false);
  EXPECT_FALSE(polls_.due()) << "they agree";
  for (int i = 0; i < 2; ++i) {
    polls_.compare(told(1002), false);
    EXPECT_TRUE(polls_.asks_for_changes()) << "what came may show in a list of changes";
    EXPECT_TRUE(polls_.due());
  }
  polls_.compare(told(1002), false);
  EXPECT_FALSE(polls_.asks_for_changes());
}

TEST_F(JobPollsTest, GivesTheJournalTimeToTellWhatIsMissing) {
  list_in_full(10);
  for (int i = 0; i < 2; ++i) {
    polls_.compare(told(11), true);
    EXPECT_FALSE(polls_.due());
  }
  polls_.compare(told(10), true);  // it did
  for (int i = 0; i < 2; ++i)
    polls_.compare(told(11), true);
  EXPECT_FALSE(polls_.due());
  polls_.compare(told(11), true);
  EXPECT_TRUE(polls_.due());
}

TEST_F(JobPollsTest, WaitsWhileTheJournalTells) {
  polls_.replaced(now_);
  EXPECT_FALSE(polls_.due());
  polls_.prove_by(now_ + 299s);
  EXPECT_FALSE(polls_.due());
  polls_.prove_by(now_ + 300s);
  EXPECT_TRUE(polls_.due());
  polls_.forget();
  EXPECT_FALSE(polls_.due());
}

TEST_F(JobPollsTest, AsksForMoreJobspecsOfABrokerThatIsQuick) {
  list_in_full(1000);
  EXPECT_TRUE(polls_.begin_jobspecs(true).empty()) << "the journal tells them";
  EXPECT_EQ(polls_.begin_jobspecs(false).size(), 8U);
  polls_.end_jobspecs(now_, now_ + 200ms, 1);
  EXPECT_EQ(polls_.begin_jobspecs(false).size(), 16U);
  for (int i = 0; i < 9; ++i)
    polls_.end_jobspecs(now_, now_ + 1ms, 1);
  EXPECT_EQ(polls_.begin_jobspecs(false).size(), 64U);
  polls_.end_jobspecs(now_, now_ + 201ms, 1);
  EXPECT_EQ(polls_.begin_jobspecs(false).size(), 32U);
  for (int i = 0; i < 9; ++i)
    polls_.end_jobspecs(now_, now_ + 201ms, 1);
  EXPECT_EQ(polls_.begin_jobspecs(false).size(), 1U) << "never none";
}

TEST_F(JobPollsTest, PausesBetweenJobspecsToo) {
  polls_.end_jobspecs(now_, now_ + 10ms, 3);
  EXPECT_FALSE(polls_.may_ask_jobspecs(now_ + 3009ms));
  EXPECT_TRUE(polls_.may_ask_jobspecs(now_ + 3010ms));
  EXPECT_EQ(polls_.next_jobspecs(), now_ + 3010ms);
}

}  // namespace
}  // namespace fluxmetrics::instance
