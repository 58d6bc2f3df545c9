// Which jobs to ask the broker for, and when: all of them, those that changed, or the jobspecs of some. It
// decides, and asks nobody itself.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.hpp"
#include "flux/job.hpp"
#include "flux/job_stats.hpp"
#include "instance/cost.hpp"
#include "instance/job_list.hpp"
#include "instance/job_table.hpp"

namespace fluxmetrics::instance {

class JobPolls {
 public:
  // `jobs`: what the lists are taken into; must live as long as this. `longest_pause`: between two lists of a
  // kind that are due.
  JobPolls(JobTable& jobs, Seconds longest_pause);

  // The counts of jobs moved from `before` to `after`, and no journal tells which jobs that were.
  void counts_moved(const flux::QueueStats& before, const flux::QueueStats& after);
  // Compares the table with `told`, the counts of job-stats, while nothing is under way: lists of changes and
  // the journal cannot show a job that they missed. `journal`: the journal keeps the table.
  void compare(const flux::JobStates& told, bool journal);
  // The next list must be a full one.
  void prove();
  // As prove(), when the last proof is too old.
  void prove_by(MonoTime now);
  // At `now` something else began to tell of all jobs: a list is not due.
  void replaced(MonoTime now);
  // The jobs are hidden from us: a list would tell a part of them.
  void forget();
  // Whether this broker can list what changed (Queries::can_list_changes()).
  void set_can_list_changes(bool can) { can_list_changes_ = can; }

  // Lists. Few jobs are listed in full for next to nothing; that also shows who was held, which no time
  // tells.
  [[nodiscard]] bool asks_for_changes() const;
  [[nodiscard]] bool due() const { return jobs_due_ || moves_due_; }
  [[nodiscard]] MonoTime next() const { return budget().next(); }
  [[nodiscard]] bool may_run(MonoTime now) const { return due() && budget().may_run(now); }
  // What to ask for now, in this order: the full list alone, or lists of changes. `told`: as in compare().
  [[nodiscard]] std::vector<JobList> begin(const flux::JobStates& told);
  // The list `which`, whose latest time is `latest` by the broker's clock, was taken into the table.
  void listed(const JobList& which, double latest);
  // All lists of begin() were taken.
  void end(MonoTime began, MonoTime ended);
  // How long the last full list took; 0 before the first.
  [[nodiscard]] Seconds full_list() const { return full_list_; }
  // The part of the time, 0..1, that full lists take because each proves the ones of changes.
  [[nodiscard]] double share_of_proofs() const;

  // Jobspecs. Those to ask for now: of jobs that the journal updated, and without the journal of jobs whose
  // jobspec nobody told yet.
  [[nodiscard]] std::vector<flux::JobId> begin_jobspecs(bool journal);
  // How long they took together; `stretch` as PollBudget takes it.
  void end_jobspecs(MonoTime began, MonoTime ended, double stretch);
  [[nodiscard]] MonoTime next_jobspecs() const { return jobspec_budget_.next(); }
  [[nodiscard]] bool may_ask_jobspecs(MonoTime now) const { return jobspec_budget_.may_run(now); }

 private:
  [[nodiscard]] const PollBudget& budget() const {
    return asks_for_changes() ? changes_budget_ : full_budget_;
  }
  [[nodiscard]] double* known_until(JobList::Kind kind);  // null: all are listed, each time

  JobTable& jobs_;
  PollBudget full_budget_, changes_budget_, jobspec_budget_;
  bool can_list_changes_ = true;
  bool jobs_due_ = true;    // all jobs, or those that came to wait
  bool moves_due_ = false;  // those that started or ended
  bool prove_ = true;
  bool full_ = false;  // of the lists that were begun
  MonoTime proven_{};
  Seconds full_list_{0};
  unsigned disagreements_ = 0;        // one after another
  std::size_t jobspecs_at_once_ = 8;  // grows while the broker answers quickly
  // Until when, by the broker's clock, all jobs that came to wait, started and ended are known.
  double scheduled_until_ = 0, started_until_ = 0, ended_until_ = 0;
};

}  // namespace fluxmetrics::instance
