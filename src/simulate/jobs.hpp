// The job side of the instance: jobs from submission to their end, and the scheduler that starts them in
// order.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "flux/job.hpp"
#include "flux/job_stats.hpp"
#include "simulate/counts.hpp"
#include "simulate/job.hpp"
#include "simulate/job_request.hpp"
#include "simulate/observer.hpp"
#include "simulate/queues.hpp"
#include "simulate/resources.hpp"
#include "simulate/scheduler.hpp"
#include "simulate/timer_queue.hpp"

namespace fluxmetrics::simulate {

struct Submission {
  std::string J;  // as job-ingest.submit takes it
  std::int64_t urgency = 16;
  std::uint32_t userid = 0;  // who asks
};

class Jobs final : private AllocRequests {
 public:
  Jobs(TimerQueue& timers, Observer& observer, Queues& queues, Resources& resources, Scheduler& scheduler);

  // Errors of all requests carry the errno and the text that a broker answers with.
  [[nodiscard]] Result<flux::JobId> submit(const Submission& submission);
  [[nodiscard]] Result<void> raise(flux::JobId id, std::string type, std::int64_t severity, std::string note,
                                   std::uint32_t userid);
  // A signal to a running job; the usual deadly ones end it.
  [[nodiscard]] Result<void> kill(flux::JobId id, std::int64_t signal);
  // Returns the urgency it had.
  [[nodiscard]] Result<std::int64_t> set_urgency(flux::JobId id, std::int64_t urgency, std::uint32_t userid);
  // Forgets inactive jobs: all but the `keep` that ended last, and those that ended more than `age` seconds
  // ago. Tells how many were, or would be, forgotten.
  std::size_t purge(std::optional<std::size_t> keep, std::optional<double> age, bool really);

  // Puts the instance in the middle of its work, at once: `running` jobs on the ranks that are up, of `cores`
  // cores each, and `pending` jobs behind one that wants all ranks. To be called once, first of all.
  void preload(std::size_t pending, std::size_t running, std::uint32_t cores, std::uint32_t userid);

  // Without a scheduler no job starts.
  void set_scheduler(bool loaded) {
    has_scheduler_ = loaded;
    kick();
  }
  // Something changed that may let a job start.
  void kick();
  // The broker of `rank` died; jobs on it fail.
  void rank_lost(flux::IdSet::Id rank);
  // The brokers of `ranks` were told to stop; jobs on them fail, those that also hold other ranks slowly.
  void ranks_stopping(const flux::IdSet& ranks);

  [[nodiscard]] const std::map<flux::JobId, Job>& all() const { return jobs_; }
  // job-list's three lists, pending, running and inactive: a question about one need not look at the others.
  using List = std::map<flux::JobId, const Job*>;
  [[nodiscard]] const std::array<List, 3>& lists() const { return lists_; }
  // Those of the pending list that have a t_sched, by it: who came to wait lately is found among 100,000.
  using Arrivals = std::set<std::pair<Time, flux::JobId>>;
  [[nodiscard]] const Arrivals& arrivals() const { return arrivals_; }
  [[nodiscard]] const Job* find(flux::JobId id) const;
  [[nodiscard]] const flux::JobStats& stats() const { return counts_.stats(); }
  [[nodiscard]] flux::JobId max_id() const { return max_id_; }
  // Jobs that wait for the scheduler: neither held, nor in a stopped queue.
  [[nodiscard]] std::size_t eligible() const;

 private:
  using Step = void (Jobs::*)(Job&);

  // Submission (jobs_submit.cpp).
  [[nodiscard]] flux::JobId new_id();
  [[nodiscard]] Result<std::size_t> queue_of(const JobTerms& terms) const;
  [[nodiscard]] Result<void> prepare(Job& job, const Submission& submission) const;
  void validate(Job& job);
  void depend(Job& job);
  void assign_priority(Job& job);

  // Jobs from before the start (jobs_preload.cpp).
  [[nodiscard]] Job template_of(const JobRequest& request, std::uint32_t userid) const;
  void submitted_at(Job& job, Time time);
  void started_at(Job& job, Time time, Placement placement);

  // The scheduler's side, and running (jobs_run.cpp).
  [[nodiscard]] Job* next(const Job* after) override;
  [[nodiscard]] const List& running() const override { return lists_.at(1); }
  void succeed(Job& job, Grant grant) override;
  void annotate(Job& job, boost::json::object annotations) override;
  void deny(Job& job, std::string note) override;
  void hold(Job& job, Grant grant);
  void start(Job& job);
  void finish(Job& job, std::uint32_t status);
  void release(Job& job);
  void clean(Job& job);
  void finish_after(Job& job, double delay, std::uint32_t status, double release_delay);
  void kill_survivors(Job& job);  // again and again, until the job finishes

  // The common ground (jobs.cpp).
  void except(Job& job, JobException exception, std::uint32_t userid, bool publish);
  void event(Job& job, std::string name, boost::json::object context = {});
  void set_state(Job& job, flux::JobState state);
  void moved(const Job& job, flux::JobState from);  // counts and lists follow
  void step_after(Job& job, double delay, Step step);
  void stop_timers(Job& job);
  [[nodiscard]] Time stamp();
  [[nodiscard]] Job* find_mutable(flux::JobId id);
  void wait_in_line(const Job& job, bool waits);

  TimerQueue& timers_;
  Observer& observer_;
  Queues& queues_;
  Resources& resources_;
  Scheduler& scheduler_;
  Counts counts_;
  std::map<flux::JobId, Job> jobs_;
  std::array<List, 3> lists_;
  Arrivals arrivals_;
  std::set<std::pair<std::int64_t, flux::JobId>>
      line_;  // jobs in SCHED by descending priority (negated), then id
  Time start_time_;
  Time last_stamp_;
  flux::JobId max_id_ = 0;
  bool schedule_armed_ = false;
  bool has_scheduler_ = true;
};

}  // namespace fluxmetrics::simulate
