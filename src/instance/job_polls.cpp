#include "instance/job_polls.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "base/log.hpp"

namespace fluxmetrics::instance {
namespace {

using namespace std::chrono_literals;

constexpr auto proof_every = 5min;      // a full list proves what the journal, or lists of changes, told
constexpr double broker_slack = 1;      // seconds that two events may be told in the wrong order
constexpr std::size_t few_jobs = 1000;  // a full list of so many costs next to nothing
constexpr unsigned disagreements_allowed = 3;
constexpr auto jobspecs_time = 200ms;  // for one round of asking: a slow broker must not hold up the rest
constexpr std::size_t most_jobspecs_at_once = 64;

}  // namespace

JobPolls::JobPolls(JobTable& jobs, Seconds longest_pause)
    : jobs_(jobs),
      full_budget_(50ms, longest_pause),
      changes_budget_(50ms, longest_pause),
      jobspec_budget_(20ms, longest_pause) {}

void JobPolls::counts_moved(const flux::QueueStats& before, const flux::QueueStats& after) {
  const bool came =
      before.states.total + before.inactive_purged != after.states.total + after.inactive_purged;
  const bool waits =
      before.states.depend != after.states.depend || before.states.priority != after.states.priority;
  moves_due_ = asks_for_changes();
  if (came || waits || !moves_due_) jobs_due_ = true;
}

void JobPolls::compare(const flux::JobStates& told, bool journal) {
  auto counted = jobs_.count();
  counted.inactive = told.inactive;
  counted.total = told.total;
  disagreements_ = counted == told ? 0 : disagreements_ + 1;
  if (disagreements_ == 0) return;
  if (!journal) {
    jobs_due_ = true;
    moves_due_ = asks_for_changes();
  }
  if (disagreements_ < disagreements_allowed) return;
  log::debug("the jobs reported one by one do not match job-stats: listing all of them");
  disagreements_ = 0;
  prove();
}

void JobPolls::prove() {
  prove_ = jobs_due_ = true;
}

void JobPolls::prove_by(MonoTime now) {
  if (now - proven_ >= proof_every) prove();
}

void JobPolls::replaced(MonoTime now) {
  jobs_due_ = false;
  proven_ = now;
}

void JobPolls::forget() {
  jobs_due_ = moves_due_ = false;
}

bool JobPolls::asks_for_changes() const {
  return !prove_ && jobs_.size() > few_jobs && can_list_changes_;
}

double* JobPolls::known_until(JobList::Kind kind) {
  switch (kind) {
    case JobList::Kind::scheduled:
      return &scheduled_until_;
    case JobList::Kind::started:
      return &started_until_;
    case JobList::Kind::ended:
      return &ended_until_;
    default:
      return nullptr;
  }
}

std::vector<JobList> JobPolls::begin(const flux::JobStates& told) {
  const bool changes = asks_for_changes();
  const bool came = std::exchange(jobs_due_, false);
  const bool moved = std::exchange(moves_due_, false);
  full_ = !changes;
  if (full_) {
    const bool by_the_clock = std::exchange(prove_, false) && can_list_changes_;
    return {{.kind = JobList::Kind::active, .by_the_clock = by_the_clock}};
  }
  std::vector<JobList> lists;
  const auto add = [&](JobList::Kind kind) {
    const auto* known = known_until(kind);
    lists.push_back({.kind = kind, .since = known == nullptr ? 0 : std::max(0.0, *known - broker_slack)});
  };
  if (came && told.depend + told.priority > 0) add(JobList::Kind::depending);
  if (came) add(JobList::Kind::scheduled);
  if (moved) add(JobList::Kind::started);
  if (moved) add(JobList::Kind::ended);
  return lists;
}

void JobPolls::listed(const JobList& which, double latest) {
  if (which.kind == JobList::Kind::active) {
    scheduled_until_ = started_until_ = ended_until_ = latest;
  } else if (auto* const known = known_until(which.kind)) {
    *known = std::max(*known, latest);
  }
}

void JobPolls::end(MonoTime began, MonoTime ended) {
  (full_ ? full_budget_ : changes_budget_).ran(began, ended);
  if (!full_) return;
  proven_ = ended;
  full_list_ = ended - began;
  log::debug("a full list of {} jobs took {:.1f} ms", jobs_.size(), full_list_.count() * 1e3);
}

double JobPolls::share_of_proofs() const {
  return asks_for_changes() ? full_list_ / Seconds(proof_every) : 0;
}

std::vector<flux::JobId> JobPolls::begin_jobspecs(bool journal) {
  auto wanted = jobs_.take_outdated();
  if (wanted.size() > jobspecs_at_once_) {
    jobs_.put_back_outdated(std::span(wanted).subspan(jobspecs_at_once_));
    wanted.resize(jobspecs_at_once_);
  }
  if (!journal) {
    const auto unknown = jobs_.without_jobspec(jobspecs_at_once_ - wanted.size());
    wanted.insert(wanted.end(), unknown.begin(), unknown.end());
  }
  return wanted;
}

void JobPolls::end_jobspecs(MonoTime began, MonoTime ended, double stretch) {
  const bool slow = ended - began > jobspecs_time;
  jobspecs_at_once_ = slow ? std::max(jobspecs_at_once_ / 2, std::size_t{1})
                           : std::min(jobspecs_at_once_ * 2, most_jobspecs_at_once);
  jobspec_budget_.ran(began, ended, stretch);
}

}  // namespace fluxmetrics::instance
