// What a Flux instance is like at one moment: a value, made by the collector, read by everything above.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "flux/constraint.hpp"
#include "flux/drain.hpp"
#include "flux/idset.hpp"
#include "flux/job.hpp"
#include "flux/job_stats.hpp"
#include "flux/jobspec.hpp"
#include "flux/resource_set.hpp"
#include "instance/match_stats.hpp"
#include "instance/scheduler.hpp"
#include "instance/shared_list.hpp"
#include "instance/wait_times.hpp"

namespace fluxmetrics::instance {

// Drains whose reason begins so are ours: wanted ranks are undrained by us, so they count as usable.
inline constexpr std::string_view own_drain_prefix = "flux-metrics-api:";

struct Queue {
  std::string name;  // "" = the anonymous queue of an instance that configures none
  bool enabled = true;
  bool started = true;      // unknown counts as started
  flux::Constraint admits;  // the queue's `requires`
  bool operator==(const Queue&) const = default;
};

// An active job (pending or running).
struct Job {
  flux::JobId id = 0;
  flux::JobState state = flux::JobState::sched;
  std::int64_t priority = 0;
  std::uint32_t queue = 0;  // index into InstanceState::queues
  std::uint32_t shape = 0;  // index into InstanceState::shapes
  double t_submit = 0;      // seconds since 1970; 0 = unknown, as below
  double t_sched = 0;
  double t_run = 0;
  double duration = 0;                          // the limit in seconds; 0 = none
  double expiration = 0;                        // when a running job's limit ends; 0 = none
  std::optional<std::uint32_t> nnodes, ncores;  // as job-list tells; for a running job what it holds
  bool operator==(const Job&) const = default;
};

// A job that ended before it began, because the scheduler said that what it asks for can never be had. It may
// be wrong: Fluxion's fcfs says so when only too few nodes are up.
struct DeniedJob {
  flux::JobId id = 0;
  std::uint32_t queue = 0;  // index into InstanceState::queues
  std::uint32_t shape = 0;  // index into InstanceState::shapes
  double t_denied = 0;      // seconds since 1970
  bool operator==(const DeniedJob&) const = default;
};

struct InstanceState {
  // What the broker is.
  std::uint32_t size = 0;            // the size attribute: maxSize of a MiniCluster, fixed for life
  std::uint32_t level = 0;           // instance-level: 0 = top
  std::string version;               // flux-core's
  std::string started;               // when this broker began: another one is another instance; "" = unknown
  std::string hostname;              // of rank 0; "" when unknown
  std::string broker_state = "run";  // state-machine.get
  bool owner = false;                // we may read jobspecs and drain
  bool has_scheduler = true;
  Scheduler scheduler;                    // which one, and how it is set
  std::optional<MatchStats> match_stats;  // of Fluxion, told to owners

  // Why something cannot be told, as a sentence; "" = it is known. What is unknown is empty below.
  std::string jobs_unknown;       // jobs and stats
  std::string allocated_unknown;  // allocated
  std::string denied_unknown;     // denied

  // Nodes.
  flux::ResourceSet resources;  // R of resource.status: also ranks that are not born yet
  flux::IdSet online, offline, excluded, torpid;
  flux::IdSet removed;  // lost ranks that Flux has taken out of its resources for good (not in a MiniCluster)
  std::vector<flux::Drain> drains;
  flux::ResourceSet allocated;  // held by jobs in RUN or CLEANUP and by housekeeping

  // Jobs.
  flux::JobStats stats;
  std::vector<Queue> queues;        // never empty
  std::vector<flux::Shape> shapes;  // distinct
  SharedList<Job> jobs;             // active ones, by id: state DEPEND, PRIORITY, SCHED, RUN, CLEANUP
  std::vector<DeniedJob> denied;    // in the last hour, by id, as far as no job as wide was taken since
  WaitTimes::Shared waits;          // of the jobs that were seen to start

  // Every member counts: a state that differs in any is published, and told by the broker module. When it was
  // confirmed is no member, as that changes nothing.
  bool operator==(const InstanceState&) const = default;

  [[nodiscard]] flux::IdSet drained() const;        // by anybody
  [[nodiscard]] flux::IdSet drained_by_us() const;  // ranks all of whose drains are ours
  // Flux's `all`: R less excluded and removed ranks. `down`: of these, offline, drained or torpid. up = all -
  // down.
  [[nodiscard]] flux::IdSet all_ranks() const;
  [[nodiscard]] flux::IdSet down_ranks() const;
  [[nodiscard]] flux::IdSet up_ranks() const;
  // Whether the job waits and could start if there were room: SCHED, priority > 0, queue started.
  [[nodiscard]] bool eligible(const Job& job) const;
};

}  // namespace fluxmetrics::instance
