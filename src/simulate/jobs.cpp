#include "simulate/jobs.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>

#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

std::vector<std::string> names(const Queues& queues) {
  std::vector<std::string> names;
  if (!queues.named()) return names;
  for (const Queue& queue : queues.all())
    names.push_back(queue.name);
  return names;
}

// An urgency of 31 asks for the highest priority there is.
std::int64_t priority_of(std::int64_t urgency) {
  return urgency == 31 ? 4294967295 : urgency;
}

// Which of job-list's lists a job in `state` is in; it has not heard of new ones.
std::optional<std::size_t> list_of(flux::JobState state) {
  const auto bit = static_cast<std::uint32_t>(state);
  if ((bit & flux::states_pending) != 0) return 0;
  if ((bit & flux::states_running) != 0) return 1;
  if (state == flux::JobState::inactive) return 2;
  return std::nullopt;
}

// What a shell reports for a job whose tasks all died of `signal`.
std::uint32_t status_of_signal(std::int64_t signal) {
  return static_cast<std::uint32_t>(128 + signal) << 8U;
}

}  // namespace

Jobs::Jobs(TimerQueue& timers, Observer& observer, Queues& queues, Resources& resources, Scheduler& scheduler)
    : timers_(timers),
      observer_(observer),
      queues_(queues),
      resources_(resources),
      scheduler_(scheduler),
      counts_(names(queues)),
      start_time_(timers.now()),
      last_stamp_(timers.now()) {}

Result<void> Jobs::raise(flux::JobId id, std::string type, std::int64_t severity, std::string note,
                         std::uint32_t userid) {
  if (severity < 0 || severity > 7) return fail_errno(Code::invalid, EPROTO, "invalid exception severity");
  if (type.empty() || type.find_first_of(" \t\r\n") != std::string::npos)
    return fail_errno(Code::invalid, EPROTO, "invalid exception type");
  Job* job = find_mutable(id);
  if (job == nullptr) return fail_errno(Code::not_found, ENOENT, "unknown job id");
  if (!job->active()) return fail_errno(Code::not_found, ENOENT, "job is inactive");
  const bool was_running = job->state == flux::JobState::run;
  except(*job, {.type = std::move(type), .severity = severity, .note = std::move(note)}, userid, true);
  if (severity > 0) return {};
  if (was_running) {
    finish_after(*job, timing::cancel, status_of_signal(SIGTERM), timing::release);
  } else if (job->state != flux::JobState::cleanup) {
    if (job->state == flux::JobState::sched) scheduler_.on_cancel(*job);
    stop_timers(*job);
    clean(*job);
  }
  return {};
}

Result<void> Jobs::kill(flux::JobId id, std::int64_t signal) {
  if (signal <= 0 || signal > SIGRTMAX) return fail_errno(Code::invalid, EINVAL, "Invalid signal number");
  Job* job = find_mutable(id);
  if (job == nullptr) return fail_errno(Code::invalid, EINVAL, "unknown job id");
  if (job->state != flux::JobState::run) return fail_errno(Code::invalid, EINVAL, "job is not running");
  const json::object payload{{"signum", signal}};
  observer_.on_publish(fmt::format("shell-{}.kill", id), &payload, false);
  const bool harmless = signal == SIGCHLD || signal == SIGCONT || signal == SIGWINCH || signal == SIGURG ||
                        signal == SIGSTOP || signal == SIGTSTP;
  if (!harmless && job->started) finish_after(*job, timing::kill, status_of_signal(signal), timing::release);
  return {};
}

Result<std::int64_t> Jobs::set_urgency(flux::JobId id, std::int64_t urgency, std::uint32_t userid) {
  if (urgency < 0 || urgency > 31) return fail_errno(Code::invalid, EINVAL, "urgency value is out of range");
  Job* job = find_mutable(id);
  if (job == nullptr || !job->active()) return fail_errno(Code::invalid, EINVAL, "unknown job");
  if (job->state == flux::JobState::run || job->state == flux::JobState::cleanup)
    return fail_errno(Code::invalid, EINVAL, "urgency cannot be changed once resources are allocated");
  const std::int64_t before = std::exchange(job->urgency, urgency);
  event(*job, "urgency", {{"userid", userid}, {"urgency", urgency}});
  if (job->state == flux::JobState::sched) {
    wait_in_line(*job, false);
    assign_priority(*job);
  }
  return before;
}

std::size_t Jobs::purge(std::optional<std::size_t> keep, std::optional<double> age, bool really) {
  std::vector<std::pair<Time, flux::JobId>> ended;
  for (const auto& [id, job] : jobs_)
    if (!job.active()) ended.emplace_back(*job.t_inactive, id);
  std::ranges::sort(ended);
  std::size_t count = ended.size() > keep.value_or(ended.size()) ? ended.size() - *keep : 0;
  while (age && count < ended.size() && ended[count].first < timers_.now() - *age)
    ++count;
  if (!really || count == 0) return count;
  json::array ids;
  for (std::size_t i = 0; i < count; ++i) {
    const auto found = jobs_.find(ended[i].second);
    counts_.purged(found->second);
    lists_.back().erase(ended[i].second);
    jobs_.erase(found);
    ids.emplace_back(ended[i].second);
  }
  const json::object payload{{"jobs", std::move(ids)}};
  observer_.on_publish("job-purge-inactive", &payload, false);
  observer_.on_stats();
  return count;
}

void Jobs::rank_lost(flux::IdSet::Id rank) {
  const std::string note = fmt::format("node failure on {} (rank {})", resources_.hosts().at(rank), rank);
  for (auto& [id, job] : jobs_) {
    if (!job.ranks.contains(rank) || !job.active() || !job.started || job.waitstatus) continue;
    const bool survivors = std::ranges::any_of(
        job.ranks, [&](flux::IdSet::Id other) { return resources_.nodes().alive(other); });
    if (job.state == flux::JobState::run) {
      except(job, {.type = "exec", .severity = 0, .note = note}, job.userid, false);
      if (survivors) finish_after(job, timing::loss_multi, status_of_signal(SIGTERM), timing::release);
      if (!survivors) finish_after(job, timing::loss_single, 256, timing::loss_release);
    } else if (!survivors) {  // a job that hung in CLEANUP has nothing left to wait for
      finish_after(job, timing::loss_single, 256, timing::loss_release);
    }
  }
}

void Jobs::ranks_stopping(const flux::IdSet& ranks) {
  for (auto& [id, job] : jobs_) {
    if (job.state != flux::JobState::run || !job.started || (job.ranks & ranks).empty()) continue;
    except(job, {.type = "exec", .severity = 0, .note = "flux_job_event_watch_get: Function not implemented"},
           job.userid, true);
    if ((job.ranks - ranks).empty()) {
      finish_after(job, timing::shutdown_single, 256, timing::release);
      continue;
    }
    finish_after(job, timing::shutdown_multi, 256, timing::release);
    kill_survivors(job);
  }
}

void Jobs::kill_survivors(Job& job) {
  job.kills = timers_.after(timing::shutdown_kill_every, [this, id = job.id] {
    const json::object payload{{"signum", SIGKILL}};
    observer_.on_publish(fmt::format("shell-{}.kill", id), &payload, false);
    if (Job* found = find_mutable(id)) kill_survivors(*found);
  });
}

const Job* Jobs::find(flux::JobId id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

Job* Jobs::find_mutable(flux::JobId id) {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

std::size_t Jobs::eligible() const {
  return static_cast<std::size_t>(std::ranges::count_if(line_, [&](const auto& entry) {
    return entry.first < 0 && queues_.all()[jobs_.at(entry.second).queue].status.start;
  }));
}

void Jobs::except(Job& job, JobException exception, std::uint32_t userid, bool publish) {
  event(job, "exception",
        {{"type", exception.type},
         {"severity", exception.severity},
         {"note", exception.note},
         {"userid", userid}});
  if (publish) {
    const json::object payload{{"id", job.id}, {"type", exception.type}, {"severity", exception.severity}};
    observer_.on_publish("job-exception", &payload, true);
  }
  const bool fatal = exception.severity == 0;
  if (!job.exception || exception.severity < job.exception->severity) job.exception = std::move(exception);
  if (fatal && job.state == flux::JobState::run) {
    stop_timers(job);
    set_state(job, flux::JobState::cleanup);
  }
}

void Jobs::event(Job& job, std::string name, json::object context) {
  const bool has_context = !context.empty();
  job.eventlog.push_back({.timestamp = stamp(),
                          .name = std::move(name),
                          .context = std::move(context),
                          .has_context = has_context});
  observer_.on_job_event(job, job.eventlog.back());
}

void Jobs::set_state(Job& job, flux::JobState state) {
  const flux::JobState before = std::exchange(job.state, state);
  const Time time = job.eventlog.empty() ? timers_.now() : job.eventlog.back().timestamp;
  switch (state) {
    case flux::JobState::new_:
      break;
    case flux::JobState::depend:
      job.t_depend = time;
      break;
    case flux::JobState::priority:
      job.t_priority = time;
      break;
    case flux::JobState::sched:
      job.t_sched = time;
      break;
    case flux::JobState::run:
      job.t_run = time;
      break;
    case flux::JobState::cleanup:
      job.t_cleanup = time;
      break;
    case flux::JobState::inactive:
      job.t_inactive = time;
      break;
  }
  moved(job, before);
  observer_.on_stats();
}

void Jobs::moved(const Job& job, flux::JobState from) {
  counts_.moved(job, from);
  const auto before = list_of(from);
  const auto after = list_of(job.state);
  constexpr std::size_t pending = 0;
  if (job.t_sched) {
    if (after == pending) arrivals_.emplace(*job.t_sched, job.id);
    if (after != pending) arrivals_.erase({*job.t_sched, job.id});
  }
  if (before == after) return;
  if (before) lists_.at(*before).erase(job.id);
  if (after) lists_.at(*after).emplace_hint(lists_.at(*after).end(), job.id, &job);
}

void Jobs::assign_priority(Job& job) {
  job.priority = priority_of(job.urgency);
  event(job, "priority", {{"priority", *job.priority}});
  if (job.state == flux::JobState::sched) {
    scheduler_.on_reprioritize(job);
  } else {
    set_state(job, flux::JobState::sched);
    scheduler_.on_request(job);
  }
  wait_in_line(job, true);
  kick();
}

void Jobs::wait_in_line(const Job& job, bool waits) {
  const std::pair entry{-job.priority.value_or(0), job.id};
  if (waits) line_.insert(entry);
  if (!waits) line_.erase(entry);
}

void Jobs::step_after(Job& job, double delay, Step step) {
  timers_.cancel(job.next);
  job.next = timers_.after(delay, [this, id = job.id, step] {
    if (Job* found = find_mutable(id)) (this->*step)(*found);
  });
}

void Jobs::stop_timers(Job& job) {
  for (TimerQueue::Id* timer : {&job.next, &job.limit, &job.kills})
    timers_.cancel(std::exchange(*timer, 0));
}

Time Jobs::stamp() {
  // Two events never share a time, as in a broker; a microsecond is what a double of this size can tell
  // apart.
  last_stamp_ = std::max(timers_.now(), last_stamp_ + 1e-6);
  return last_stamp_;
}

}  // namespace fluxmetrics::simulate
