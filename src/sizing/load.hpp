// The terms of node_wanted_count that look at time: what runs, and how much work outlasts the patience.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "flux/idset.hpp"
#include "instance/state.hpp"
#include "sizing/admission.hpp"
#include "sizing/packing.hpp"
#include "sizing/workload.hpp"

namespace fluxmetrics::sizing {

// The smallest n such that the running jobs, and what housekeeping holds, fit on the usable ranks below n
// when these are empty; `otherwise` when they fit on no n. `ranks`: the usable ranks.
[[nodiscard]] std::uint32_t ranks_to_keep_running(const instance::InstanceState& state, const Groups& running,
                                                  const Runs& ranks, const Admission& admission,
                                                  std::uint32_t otherwise);

// The smallest n such that the ranks below n are as many, for each set of ranks that jobs are admitted to, as
// the work of these jobs fills for `patience`. Waiting jobs that would not fit the empty `ranks` do not
// count.
[[nodiscard]] std::uint32_t ranks_for_load(const instance::InstanceState& state, const Runs& ranks,
                                           Seconds patience, WallTime now, Admission& admission);

}  // namespace fluxmetrics::sizing
