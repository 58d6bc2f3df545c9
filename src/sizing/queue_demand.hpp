// node_demand_count, core_demand_count and gpu_demand_count: what the running and waiting jobs need on empty
// nodes, however many the instance has.
#pragma once

#include <vector>

#include "instance/state.hpp"
#include "sizing/admission.hpp"
#include "sizing/demand.hpp"
#include "sizing/workload.hpp"

namespace fluxmetrics::sizing {

// One for each queue of the state, in its order. A node that jobs of several queues share counts for the
// queue whose job came first, so the sum over the queues is what all of them need together.
[[nodiscard]] std::vector<QueueDemand> demand_by_queue(const instance::InstanceState& state,
                                                       const Groups& eligible, const Groups& running,
                                                       Admission& admission);

}  // namespace fluxmetrics::sizing
