// One moment of a plan's model, and the same as the state of a Flux instance.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "flux/idset.hpp"
#include "instance/state.hpp"
#include "plan/demand.hpp"
#include "plan/ranks.hpp"
#include "plan/workload.hpp"

namespace fluxmetrics::plan {

struct PlanMoment {
  double now = 0;            // seconds
  std::uint32_t min = 1;     // what the server is told by --min-replicas
  std::uint32_t wanted = 0;  // node_wanted_count
  std::uint64_t over = 0;    // jobs that ended or were killed
  flux::IdSet leaving = {};  // ranks that are up with the broker of a deleted pod
  // What each killed job still holds on ranks that are left; empty = no job.
  std::span<const RankShares> cleaning = {};
  const PlanRanks& ranks;
  const PlanDemand& demand;
  std::span<const PlanJob> jobs;
  std::function<std::size_t(std::uint32_t job)> nodes_held = {};  // by one that runs
};

// The time 0 of a plan in seconds since 1970: any but 0, which an InstanceState takes for unknown.
inline constexpr double plan_epoch = 1e9;

// What the collector would see: one queue without a name, all ranks up to the largest size in the resource
// set, our drains, the jobs in SCHED, RUN and CLEANUP. It costs as much as there are jobs and ranks.
[[nodiscard]] instance::InstanceState to_state(const PlanMoment& moment);

}  // namespace fluxmetrics::plan
