// One period of contact with one broker: two connections, one for streams (which say that something changed)
// and one for polls (which say what).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "instance/collector.hpp"
#include "instance/cost.hpp"
#include "instance/job_table.hpp"
#include "instance/queries.hpp"

namespace fluxmetrics::instance {

class Session : public std::enable_shared_from_this<Session> {
 public:
  struct Options {
    std::string socket_path;
    bool follow_to_top = true;
    Seconds max_staleness{30};
  };
  Session(Options options, const CollectorSink& sink, boost::asio::any_io_executor executor);

  // Connects, then keeps the sink informed until the contact ends; returns why it ended.
  [[nodiscard]] boost::asio::awaitable<Error> run();
  // Whether at least one state was delivered.
  [[nodiscard]] bool delivered() const { return delivered_; }

 private:
  // Set by streams and timers, cleared by the poll that answers.
  struct Dirty {
    bool nodes = true;      // resource.status
    bool allocated = true;  // who holds what
    bool stats = true;      // job-stats
    bool jobs = true;       // the job list, or the journal that stands for it
    bool queues = true;     // the queues' status
    bool layout = true;     // which queues exist, the broker's state
    [[nodiscard]] bool any() const { return nodes || allocated || stats || jobs || queues || layout; }
  };

  [[nodiscard]] boost::asio::awaitable<Result<void>> connect();
  [[nodiscard]] boost::asio::awaitable<Result<void>> identify();
  [[nodiscard]] boost::asio::awaitable<Result<void>> go_to_top();
  [[nodiscard]] boost::asio::awaitable<Result<void>> open_streams();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_layout();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_nodes();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_stats();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_allocated();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_jobs();
  [[nodiscard]] boost::asio::awaitable<Result<void>> fetch_jobspecs();
  [[nodiscard]] boost::asio::awaitable<void> wait();

  // Stream readers: each holds the session, marks what changed, and ends with its stream.
  static boost::asio::awaitable<void> follow_stats(std::shared_ptr<Session> self,
                                                   std::unique_ptr<flux::Stream> stream);
  static boost::asio::awaitable<void> follow_nodes(std::shared_ptr<Session> self,
                                                   std::unique_ptr<flux::Stream> stream);
  static boost::asio::awaitable<void> follow_journal(std::shared_ptr<Session> self,
                                                     std::unique_ptr<flux::Stream> stream);

  void take_journal(const flux::JournalReply& reply);
  void take_stats(flux::JobStats stats);
  void mark_due(MonoTime now);
  void wake();
  void publish();

  Options options_;
  const CollectorSink& sink_;
  boost::asio::steady_timer wake_;
  std::shared_ptr<flux::Client> streams_;
  std::shared_ptr<flux::Client> polls_;
  std::unique_ptr<Queries> queries_;

  InstanceState draft_;  // what is known so far; jobs and shapes are written from jobs_ when it is published
  JobTable jobs_;
  std::shared_ptr<const InstanceState> published_;
  bool changed_ = true;  // draft_ or jobs_ differ from published_
  bool delivered_ = false;

  Dirty dirty_;
  bool journal_ = false;        // jobs_ is kept by the events journal
  bool journal_ready_ = false;  // its backlog has been read
  bool journal_ended_ = false;
  MonoTime published_at_{};
  MonoTime probed_{};
  MonoTime laid_out_{};
  MonoTime proven_{};
  PollBudget nodes_budget_, allocated_budget_, jobs_budget_, jobspec_budget_;
};

}  // namespace fluxmetrics::instance
