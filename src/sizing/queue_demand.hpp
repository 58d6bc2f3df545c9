// node_demand_count, core_demand_count and gpu_demand_count: what the running jobs, and the waiting ones that
// could start, need on empty nodes, however many of these there are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instance/state.hpp"
#include "sizing/admission.hpp"
#include "sizing/workload.hpp"

namespace fluxmetrics::sizing {

struct QueueDemand {
  std::string queue;
  std::uint64_t nodes = 0;
  std::uint64_t cores = 0;
  std::uint64_t gpus = 0;
};

// One for each queue of the state, in its order. A node that jobs of several queues share counts for the
// queue whose job came first, so the sum over the queues is what all of them need together.
[[nodiscard]] std::vector<QueueDemand> demand_by_queue(const instance::InstanceState& state,
                                                       const Groups& waiting, const Groups& running,
                                                       Admission& admission);

}  // namespace fluxmetrics::sizing
