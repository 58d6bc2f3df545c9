// How a job gets its ranks, runs and ends: the scheduler, and the states RUN to INACTIVE.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <fmt/format.h>
#include <utility>

#include "simulate/jobs.hpp"
#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {

namespace json = boost::json;

void Jobs::kick() {
  if (std::exchange(schedule_armed_, true)) return;
  timers_.after(timing::schedule, [this] {
    schedule_armed_ = false;
    if (has_scheduler_) scheduler_.schedule(*this, timers_.now());
  });
}

Job* Jobs::next(const Job* after) {
  auto entry =
      after == nullptr ? line_.begin() : line_.upper_bound({-after->priority.value_or(0), after->id});
  for (; entry != line_.end(); ++entry) {
    const auto [priority, id] = *entry;
    if (priority == 0) return nullptr;  // held, as is everyone behind
    Job& job = jobs_.at(id);
    if (queues_.all()[job.queue].status.start) return &job;
  }
  return nullptr;
}

void Jobs::deny(Job& job, std::string note) {
  except(job, {.type = "alloc", .severity = 0, .note = std::move(note)}, job.userid, true);
  clean(job);
}

void Jobs::annotate(Job& job, json::object annotations) {
  job.annotations = std::move(annotations);
  // The journal has the annotations as an event of their own, the job's eventlog does not.
  observer_.on_job_event(job, {.timestamp = stamp(),
                               .name = "annotations",
                               .context = {{"annotations", job.annotations}},
                               .has_context = true});
}

void Jobs::hold(Job& job, Grant grant) {
  resources_.pool().take(grant.placement);
  job.ranks = grant.placement.ranks();
  job.terms.nnodes = static_cast<std::uint32_t>(job.ranks.size());
  job.terms.ncores = static_cast<std::uint32_t>(grant.R.total().cores);
  job.annotations = std::move(grant.annotations);
  job.placement = std::move(grant.placement);
  job.R = std::move(grant.R);
}

void Jobs::succeed(Job& job, Grant grant) {
  wait_in_line(job, false);
  json::object annotations = grant.annotations;
  hold(job, std::move(grant));
  annotate(job, annotations);
  event(job, "alloc", {{"annotations", std::move(annotations)}});
  set_state(job, flux::JobState::run);
  step_after(job, timing::start, &Jobs::start);
}

void Jobs::start(Job& job) {
  for (const flux::IdSet::Id rank : job.ranks) {
    if (resources_.nodes().alive(rank)) continue;
    // The scheduler did not know yet that the rank is gone.
    except(job,
           {.type = "exec",
            .severity = 0,
            .note = fmt::format("node failure on {} (rank {})", resources_.hosts().at(rank), rank)},
           job.userid, false);
    finish_after(job, timing::failed_start, SIGTERM, timing::release);
    return;
  }
  event(job, "start");
  job.started = true;
  const double limit = job.terms.request.duration;
  const double run_time = job.terms.run_time;
  // Both count from the allocation, so that a job that runs exactly as long as its limit ends well.
  const auto left = [&](double seconds) { return std::max(0.0, *job.t_run + seconds - timers_.now()); };
  if (run_time > 0 && (limit <= 0 || run_time <= limit))
    finish_after(job, left(run_time), job.terms.status, timing::release);
  else if (limit > 0)
    job.limit = timers_.after(left(limit), [this, id = job.id] {
      Job* late = find_mutable(id);
      if (late == nullptr) return;
      except(*late, {.type = "timeout", .severity = 0, .note = "resource allocation expired"}, late->userid,
             true);
      finish_after(*late, timing::timeout, (128U + SIGALRM) << 8U, timing::release);
    });
}

void Jobs::finish_after(Job& job, double delay, std::uint32_t status, double release_delay) {
  timers_.cancel(job.next);
  job.next = timers_.after(delay, [this, id = job.id, status, release_delay] {
    Job* ending = find_mutable(id);
    if (ending == nullptr) return;
    finish(*ending, status);
    step_after(*ending, release_delay, &Jobs::release);
  });
}

void Jobs::finish(Job& job, std::uint32_t status) {
  stop_timers(job);
  job.waitstatus = status;
  event(job, "finish", {{"status", status}});
  if (job.state != flux::JobState::cleanup) set_state(job, flux::JobState::cleanup);
}

void Jobs::release(Job& job) {
  event(job, "release", {{"ranks", "all"}, {"final", true}});
  resources_.pool().give_back(std::exchange(job.placement, {}));
  scheduler_.on_free(job);
  event(job, "free");
  clean(job);
  kick();
}

void Jobs::clean(Job& job) {
  wait_in_line(job, false);
  if (job.state != flux::JobState::cleanup) set_state(job, flux::JobState::cleanup);
  event(job, "clean");
  set_state(job, flux::JobState::inactive);
  kick();
}

}  // namespace fluxmetrics::simulate
