// How many nodes an instance needs: pure functions of its state, a policy and a clock.
// The words are those of docs/sizing.md; nothing here remembers anything.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "flux/idset.hpp"
#include "instance/state.hpp"
#include "sizing/policy.hpp"
#include "sizing/queue_demand.hpp"
#include "sizing/workload.hpp"

namespace fluxmetrics::sizing {

struct Demand {
  std::uint32_t safe_min = 1;       // node_safe_min_count
  std::uint32_t wanted_all = 1;     // node_wanted_all_count
  std::uint32_t shortage = 0;       // node_shortage_count
  std::uint64_t unsatisfiable = 0;  // job_unsatisfiable_count
  // Eligible jobs that no node of the instance will ever hold, even if all of them were up and empty. Flux
  // keeps them waiting under some policies, so the demand below leaves them out.
  JobKinds impossible;
  std::uint64_t shape_unknown = 0;  // job_shape_unknown_count
  std::uint64_t denied = 0;         // job_denied_count
  std::vector<QueueDemand> queues;  // one for each queue of the state, in its order
  // Terms of node_wanted_count (see wanted.hpp): ranks for what runs, for the widest waiting job, for what
  // lasts.
  std::uint32_t run = 0;
  std::uint32_t wide = 0;
  std::uint32_t load = 0;
  std::uint32_t denied_wide = 0;  // ranks at which the widest job that was denied would have been taken
  std::uint32_t head = 0;         // ranks at which the first job of each queue starts; only for its own rule
  // The undrained target before hold: max(run, wide, min(wanted_all, load)), or what another rule says;
  // and denied_wide, where denied jobs count.
  std::uint32_t target = 0;
};

// Everything, from `state`. `now` only matters to `load`, `denied`, `denied_wide` and `target`.
[[nodiscard]] Demand compute_demand(const instance::InstanceState& state, const SizePolicy& policy,
                                    WallTime now);
// `demand` of the same state and policy at another moment: only what depends on time is computed again.
[[nodiscard]] Demand at_time(Demand demand, const instance::InstanceState& state, const SizePolicy& policy,
                             WallTime now);

// The ranks that work can be counted on: in R, below size and max_replicas, not excluded, not torpid, and not
// drained by anybody but us. Offline ranks are among them: their pods come back, or can be asked for.
[[nodiscard]] flux::IdSet usable_ranks(const instance::InstanceState& state, const SizePolicy& policy);

}  // namespace fluxmetrics::sizing
