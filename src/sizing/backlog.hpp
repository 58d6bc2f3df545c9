// What waits in each queue and could start: how much work, since when, and how large the largest job is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instance/state.hpp"
#include "sizing/workload.hpp"

namespace fluxmetrics::sizing {

struct QueueBacklog {
  std::string queue;
  std::uint64_t eligible = 0;   // jobs that wait for nothing but room
  std::uint64_t unlimited = 0;  // of these, jobs without a time limit: nobody knows how long they take
  double core_seconds = 0;      // cores x limit of the others
  std::uint64_t cores_up = 0;   // on nodes that are up and that the queue admits
  // When the eligible job that waits longest became ready to start, in seconds since 1970; 0 = no job, or
  // none whose time is known.
  double oldest = 0;
  std::uint64_t widest_nodes = 0;  // of one eligible job
  std::uint64_t most_cores = 0;    // of one eligible job

  // How long the cores that are up would be busy with the work that has a limit: infinite when there is work
  // and none of them.
  [[nodiscard]] double seconds() const;
};

// One for each queue of the state, in its order. Eligible jobs that are `impossible` wait for no room, and
// count nowhere.
[[nodiscard]] std::vector<QueueBacklog> backlog_by_queue(const instance::InstanceState& state,
                                                         const JobKinds& impossible);

}  // namespace fluxmetrics::sizing
