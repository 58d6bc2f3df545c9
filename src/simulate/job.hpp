// One job of the simulated instance, from submission until it is purged.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "flux/event.hpp"
#include "flux/job.hpp"
#include "flux/jobspec.hpp"
#include "flux/resource_set.hpp"
#include "simulate/pool.hpp"
#include "simulate/timer_queue.hpp"

namespace fluxmetrics::simulate {

struct JobException {
  std::string type;
  std::int64_t severity = 0;
  std::string note;
};

// What a jobspec says beyond what the scheduler needs.
struct JobTerms {
  flux::Jobspec request;  // shape, limit, queue and name
  std::optional<std::string> cwd, project, bank;
  std::optional<std::uint32_t> ntasks, nnodes, ncores;  // as job-list shows them while the job waits
  double run_time = 0;                                  // seconds it would run when let; 0 = for ever
  std::uint32_t status = 0;                             // its wait status when it ends by itself
  std::vector<Time> begin_times;                        // it may not start before these
  std::vector<std::string> dependencies;                // their descriptions
};

// Reads `jobspec`. Beyond Flux's attributes, attributes.system.simulate may have "runtime" (seconds, instead
// of the duration) and "exit" (the exit code). Errors: EINVAL with the text a broker would send.
[[nodiscard]] Result<JobTerms> read_terms(const boost::json::object& jobspec);

struct Job {
  flux::JobId id = 0;
  std::uint32_t userid = 0;
  std::int64_t urgency = 16;
  std::optional<std::int64_t> priority;
  std::size_t queue = 0;                               // index into Queues::all()
  std::shared_ptr<const std::string> J;                // as submitted
  std::shared_ptr<const boost::json::object> jobspec;  // with what the instance added
  JobTerms terms;
  flux::IdSet admitted;      // ranks that its constraints allow
  bool constrained = false;  // it has constraints, its own or its queue's

  flux::JobState state = flux::JobState::new_;
  Time t_submit = 0;
  std::optional<Time> t_depend, t_priority, t_sched, t_run, t_cleanup, t_inactive;
  std::vector<flux::Event> eventlog;
  boost::json::object annotations;
  std::optional<JobException> exception;  // the most severe
  std::optional<std::uint32_t> waitstatus;

  std::optional<std::int64_t> reserved_for;  // seconds since 1970: when the scheduler means to start it
  Placement placement;
  std::optional<flux::ResourceSet> R;
  flux::IdSet ranks;
  bool started = false;  // its tasks run, or ran

  TimerQueue::Id next = 0;   // what happens to it next
  TimerQueue::Id limit = 0;  // its time limit
  TimerQueue::Id kills = 0;  // repeated signals to what does not die

  [[nodiscard]] bool active() const { return state != flux::JobState::inactive; }
  [[nodiscard]] bool fatal() const { return exception && exception->severity == 0; }
  [[nodiscard]] bool success() const { return waitstatus == 0U && !fatal(); }
  [[nodiscard]] flux::JobResult result() const;
};

// The jobspec without attributes.system.environment, as journals and job-manager.getattr give it.
[[nodiscard]] boost::json::object without_environment(const boost::json::object& jobspec);

// R of a job that has one, as its scheduler wrote it: Fluxion knows no slots and has whole seconds.
[[nodiscard]] boost::json::value R_of(const Job& job);

// The eventlog as text: a JSON object a line.
[[nodiscard]] std::string eventlog_text(const std::vector<flux::Event>& events);

}  // namespace fluxmetrics::simulate
