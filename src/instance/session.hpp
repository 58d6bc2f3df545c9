// One period of contact with one broker: two connections, one for streams (which say that something changed)
// and one for polls (which say what).
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "instance/allocation_bridge.hpp"
#include "instance/cost.hpp"
#include "instance/denied_jobs.hpp"
#include "instance/job_table.hpp"
#include "instance/queries.hpp"
#include "instance/sink.hpp"

namespace fluxmetrics::instance {

// What outlives the contact with one broker: counts that begin with this program.
struct Observed {
  WaitTimes waits;
  RpcTimes rpc_times;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  struct Options {
    std::string socket_path;
    bool follow_to_top = true;
    Seconds max_staleness{30};
    bool ask_module = true;
  };
  Session(Options options, const CollectorSink& sink, Observed& observed,
          boost::asio::any_io_executor executor);

  // Connects, then keeps the sink informed until the contact ends; returns why it ended.
  [[nodiscard]] boost::asio::awaitable<Error> run();
  // Hangs up; to be called when run() is over, however that ended.
  void end();
  // Whether at least one state was delivered.
  [[nodiscard]] bool delivered() const { return delivered_; }
  // Whether the contact ended because the instance shuts down.
  [[nodiscard]] bool found_ending() const { return found_ending_; }
  // Whether it ended because the broker module was loaded since: a new contact gets everything from there.
  [[nodiscard]] bool found_module() const { return found_module_; }

 private:
  // Set by streams and timers, cleared by the poll that answers.
  struct Dirty {
    bool nodes = true;      // resource.status
    bool allocated = true;  // who holds what
    bool stats = true;      // job-stats
    bool jobs = true;       // all jobs (or the journal, that stands for them), or those that wait
    bool moves = false;     // jobs that started or ended
    bool queues = true;     // the queues' status
    bool layout = true;     // which queues exist
    bool life = true;       // the broker's state
    bool denied = true;     // the jobs that failed
    [[nodiscard]] bool any() const {
      return nodes || allocated || stats || jobs || moves || queues || layout || life || denied;
    }
  };

  [[nodiscard]] boost::asio::awaitable<Result<void>> connect();
  [[nodiscard]] boost::asio::awaitable<Result<void>> identify();
  [[nodiscard]] boost::asio::awaitable<Result<void>> go_to_top();
  [[nodiscard]] boost::asio::awaitable<Result<void>> learn_role();
  // As long as the broker module tells the state nothing else is asked; at once over where there is none.
  [[nodiscard]] boost::asio::awaitable<void> follow_module();
  [[nodiscard]] boost::asio::awaitable<Error> take_module_states(std::unique_ptr<flux::Stream> stream);
  // Whether it is time to look again for a module that was not there.
  [[nodiscard]] bool seeks_module() const;
  // Whether it tells a state of this moment now.
  [[nodiscard]] boost::asio::awaitable<bool> module_tells();
  void publish_of_module(const std::shared_ptr<InstanceState>& state, WallTime confirmed);
  [[nodiscard]] boost::asio::awaitable<Result<void>> open_streams();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_life();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_layout();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_nodes();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_stats();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_allocated();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_jobs();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_all_jobs();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_changes(JobList::Kind kind);
  [[nodiscard]] boost::asio::awaitable<Result<void>> fetch_jobspecs();
  [[nodiscard]] boost::asio::awaitable<Result<void>> poll_denied();
  [[nodiscard]] boost::asio::awaitable<void> wait();

  // Asks beside the polls which scheduler there is, again and again: one that looks for room has no time to
  // answer, and nothing else may wait for it.
  static boost::asio::awaitable<void> watch_scheduler(std::shared_ptr<Session> self);
  [[nodiscard]] boost::asio::awaitable<void> learn_scheduler();
  void take_scheduler(Scheduler scheduler);
  // Tells the log, where that is news.
  void tell_scheduler(const Scheduler& scheduler);

  // Stream readers: each holds the session, marks what changed, and ends with its stream.
  static boost::asio::awaitable<void> follow_stats(std::shared_ptr<Session> self,
                                                   std::unique_ptr<flux::Stream> stream);
  static boost::asio::awaitable<void> follow_nodes(std::shared_ptr<Session> self,
                                                   std::unique_ptr<flux::Stream> stream, bool is_journal);
  static boost::asio::awaitable<void> follow_journal(std::shared_ptr<Session> self,
                                                     std::unique_ptr<flux::Stream> stream);

  [[nodiscard]] boost::asio::awaitable<Result<void>> open_journals();
  // Where the resources have no journal, the groups of ranks tell that something changed.
  [[nodiscard]] boost::asio::awaitable<void> open_groups();

  // Runs a stream's reader beside this.
  void follow(boost::asio::awaitable<void> reader, std::string topic);
  // Tells the log why a stream ended: the polls go on without it, once a second.
  void tell_end(std::string_view topic, const Error& why) const;

  void take_journal(const flux::JournalReply& reply);
  void take_stats(flux::JobStats stats);
  void hide_jobs();
  void bridge_allocations(const flux::JournalReply& reply);
  void compare_with_stats();
  [[nodiscard]] bool asks_for_changes() const;
  [[nodiscard]] const PollBudget& jobs_budget() const {
    return asks_for_changes() ? changes_budget_ : all_jobs_budget_;
  }
  void mark_due(MonoTime now);
  void ran(PollBudget& budget, MonoTime began);
  void wake();
  void publish();

  Options options_;
  const CollectorSink& sink_;
  Observed& observed_;
  boost::asio::steady_timer wake_;
  std::shared_ptr<flux::Client> streams_;
  std::shared_ptr<flux::Client> polls_;
  std::unique_ptr<Queries> queries_;

  InstanceState draft_;  // what is known so far; jobs and shapes are written from jobs_ when it is published
  JobTable jobs_;
  DeniedJobs denied_;
  double denied_known_until_ = 0;            // by the broker's clock; 0 = nobody has looked yet
  boost::asio::steady_timer scheduler_due_;  // cancelled when it may be another one
  bool scheduler_heard_ = false;
  std::optional<Scheduler> scheduler_told_;  // to the log
  MonoTime began_ = MonoTime::clock::now();
  std::uint64_t written_version_ = 0;  // of jobs_, in draft_
  std::shared_ptr<const InstanceState> published_;
  WaitTimes::Shared module_waits_;  // as the module told them last
  AllocationBridge bridge_;         // over draft_.allocated
  bool changed_ = true;             // draft_ or jobs_ differ from published_
  bool queues_changed_ = true;      // so that the jobs' queues must be written again
  bool delivered_ = false;
  bool found_ending_ = false;
  bool found_module_ = false;
  bool ended_ = false;  // what fails from here on is our own doing

  Dirty dirty_;
  bool journal_ = false;        // jobs_ is kept by the events journal
  bool journal_ready_ = false;  // its backlog has been read
  bool journal_ended_ = false;
  // Until when, by the broker's clock, jobs_ knows of all jobs that came, started and ended.
  struct KnownUntil {
    double scheduled = 0, started = 0, ended = 0;
  } known_until_;
  bool prove_ = true;                 // the next list of jobs must be a full one
  std::size_t jobspecs_at_once_ = 8;  // grows while the broker answers quickly
  Seconds full_list_{0};              // how long the last one took
  unsigned disagreements_ = 0;        // of jobs_ and job-stats, one after another
  // What the journal told last: a full list may be older than that.
  std::deque<std::pair<MonoTime, flux::JournalReply>> told_lately_;
  MonoTime published_at_{};
  MonoTime probed_{};
  MonoTime laid_out_{};
  MonoTime module_sought_{};
  MonoTime proven_{};
  MonoTime journal_heard_{};
  PollBudget nodes_budget_, allocated_budget_, all_jobs_budget_, changes_budget_, jobspec_budget_,
      denied_budget_;
};

}  // namespace fluxmetrics::instance
