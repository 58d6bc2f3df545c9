#include "agent/state_document.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace fluxmetrics::agent {
namespace {

namespace asio = boost::asio;
using Snapshot = std::shared_ptr<const metrics::Snapshot>;

struct Document : ::testing::Test {
  asio::io_context io{1};
  Worker worker;
  StateDocument document{worker};

  static Snapshot snapshot(std::uint64_t generation, std::size_t jobs = 0) {
    auto state = std::make_shared<instance::InstanceState>();
    state->queues.resize(1);
    state->shapes.resize(1);
    std::vector<instance::Job> list(jobs);
    for (std::size_t i = 0; i < jobs; ++i)
      list[i].id = static_cast<flux::JobId>(i + 1);
    state->jobs = std::move(list);
    auto made = std::make_shared<metrics::Snapshot>();
    made->state = std::move(state);
    made->generation = generation;
    return made;
  }
  // All ask at the same time.
  std::vector<StateDocument::Written> ask(const std::vector<Snapshot>& snapshots) {
    std::vector<StateDocument::Written> answers(snapshots.size());
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
      asio::co_spawn(io, document.of(snapshots[i]),
                     [&answers, i](const std::exception_ptr& fault, StateDocument::Written written) {
                       EXPECT_FALSE(fault);
                       answers[i] = std::move(written);
                     });
    }
    io.restart();
    io.run_for(std::chrono::seconds(30));
    return answers;
  }
};

TEST_F(Document, IsWrittenOnceForAllWhoAsk) {
  const auto newest = snapshot(7, 1000);
  const auto answers = ask({newest, newest, newest});
  ASSERT_TRUE(answers[0].text);
  EXPECT_TRUE(answers[0].text->contains("\"generation\":7"));
  EXPECT_EQ(answers[1].text, answers[0].text) << "the same one";
  EXPECT_EQ(answers[2].text, answers[0].text);
  EXPECT_EQ(ask({newest})[0].text, answers[0].text) << "also later";
}

TEST_F(Document, IsNeverOlderThanWhatWasAskedFor) {
  const auto answers = ask({snapshot(1), snapshot(3), snapshot(2)});
  EXPECT_EQ(answers[0].snapshot->generation, 1U);
  EXPECT_EQ(answers[1].snapshot->generation, 3U);
  EXPECT_TRUE(answers[1].text->contains("\"generation\":3"));
  EXPECT_EQ(answers[2].text, answers[1].text) << "a newer one is as good";
}

TEST_F(Document, IsEmptyOfTooManyJobs) {
  const auto answers = ask({snapshot(1, StateDocument::most_jobs + 1), snapshot(2)});
  EXPECT_EQ(*answers[0].text, "");
  EXPECT_NE(*answers[1].text, "");
}

}  // namespace
}  // namespace fluxmetrics::agent
