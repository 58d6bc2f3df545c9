// One period of contact with one broker: streams say that something changed, polls say what, and what came of
// it is told to the sink.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"
#include "instance/broker_contact.hpp"
#include "instance/cost.hpp"
#include "instance/denied_jobs.hpp"
#include "instance/job_polls.hpp"
#include "instance/job_table.hpp"
#include "instance/journal_follower.hpp"
#include "instance/module_follower.hpp"
#include "instance/published_state.hpp"
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
    Clock clock = Now::read;
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
  // Set by streams and timers, cleared by the poll that answers. Jobs are JobPolls' own.
  struct Dirty {
    bool nodes = true;      // resource.status
    bool allocated = true;  // who holds what
    bool stats = true;      // job-stats
    bool queues = true;     // the queues' status
    bool layout = true;     // which queues exist
    bool life = true;       // the broker's state
    bool denied = true;     // the jobs that failed
  };

  [[nodiscard]] MonoTime now() const { return options_.clock().mono; }

  // As long as the broker module tells the state nothing else is asked; at once over where there is none.
  [[nodiscard]] boost::asio::awaitable<void> follow_module();

  [[nodiscard]] Task<void> poll();
  [[nodiscard]] Task<void> poll_life();
  [[nodiscard]] Task<void> poll_layout();
  [[nodiscard]] Task<void> poll_nodes();
  [[nodiscard]] Task<void> poll_stats();
  [[nodiscard]] Task<void> poll_allocated();
  [[nodiscard]] Task<void> poll_jobs();
  [[nodiscard]] Task<void> take_list(JobList which);
  [[nodiscard]] Task<void> fetch_jobspecs();
  [[nodiscard]] Task<void> poll_denied();
  [[nodiscard]] boost::asio::awaitable<void> wait();
  void mark_due(MonoTime now);
  void take_stats(flux::JobStats stats);
  void hide_jobs();
  // Ends the poll of `budget`, which began at `began`.
  void ran(PollBudget& budget, MonoTime began);

  // Asks beside the polls which scheduler there is, again and again: one that looks for room has no time to
  // answer, and nothing else may wait for it.
  static boost::asio::awaitable<void> watch_scheduler(std::shared_ptr<Session> self);
  [[nodiscard]] boost::asio::awaitable<void> learn_scheduler();
  void take_scheduler(Scheduler scheduler);
  // Tells the log, where that is news.
  void tell_scheduler(const Scheduler& scheduler);

  [[nodiscard]] Task<void> open_streams();
  [[nodiscard]] Task<void> open_journals();
  // Where the resources have no journal, the groups of ranks tell that something changed.
  [[nodiscard]] boost::asio::awaitable<void> open_groups();
  // Stream readers: each holds the session, marks what changed, and ends with its stream.
  static boost::asio::awaitable<void> follow_stats(std::shared_ptr<Session> self,
                                                   std::unique_ptr<flux::Stream> stream);
  static boost::asio::awaitable<void> follow_nodes(std::shared_ptr<Session> self,
                                                   std::unique_ptr<flux::Stream> stream, bool is_journal);
  static boost::asio::awaitable<void> follow_journal(std::shared_ptr<Session> self,
                                                     std::unique_ptr<flux::Stream> stream);
  // Runs a stream's reader beside this.
  void follow(boost::asio::awaitable<void> reader, std::string topic);
  // Tells the log why a stream ended: the polls go on without it, once a second.
  void tell_end(std::string_view topic, const Error& why) const;

  // There is something new to publish.
  void wake();
  void publish();
  // Brings draft_ up to what the parts know.
  void write_draft();
  void deliver(const std::shared_ptr<const InstanceState>& state, Now confirmed, const Effort& effort);

  Options options_;
  const CollectorSink& sink_;
  Observed& observed_;
  boost::asio::steady_timer wake_;
  boost::asio::steady_timer scheduler_due_;  // cancelled when it may be another one
  BrokerContact contact_;

  InstanceState draft_;  // what is known so far; some of it is written only when it is published
  PublishedState published_;
  JobTable jobs_;
  JobPolls job_polls_;
  JournalFollower journal_;
  ModuleFollower module_;
  flux::ResourceSet allocated_;  // as the broker told it last
  DeniedJobs denied_;
  double denied_known_until_ = 0;  // by the broker's clock; 0 = nobody has looked yet
  bool scheduler_heard_ = false;
  std::optional<Scheduler> scheduler_told_;  // to the log
  std::uint64_t written_version_ = 0;        // of jobs_, in draft_
  bool queues_changed_ = true;               // so that the jobs' queues must be written again
  bool news_ = true;                         // there may be something to publish
  bool delivered_ = false;
  bool found_ending_ = false;
  bool found_module_ = false;
  bool ended_ = false;  // what fails from here on is our own doing

  Dirty dirty_;
  PollBudget nodes_budget_, allocated_budget_, denied_budget_;
  MonoTime began_;
  MonoTime published_at_{};
  MonoTime probed_{};
  MonoTime laid_out_{};
};

}  // namespace fluxmetrics::instance
