// The jobs of a plan: a trace, as the scheduler of a plan sees it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "simulate/trace.hpp"

namespace fluxmetrics::plan {

// Whole nodes, or slots of some cores on any nodes.
struct PlanJob {
  double submit = 0;
  double duration = 0;
  std::uint32_t nodes = 0;  // > 0: on so many nodes
  std::uint32_t slots = 1;  // a node; of all nodes when `nodes` is 0
  std::uint32_t cores = 1;  // a slot; with `whole`, what it uses of a node
  bool whole = false;       // the nodes are its own
};

// In the order of their submission. Errors: Code::invalid for a job without an end, one that `nodes` nodes of
// `cores` cores never hold, and one that comes or lasts longer than three years.
[[nodiscard]] Result<std::vector<PlanJob>> plan_jobs(std::span<const simulate::TraceJob> trace,
                                                     std::uint32_t nodes, std::uint32_t cores);

// The queues that the jobs name, "" for those that name none; empty where none does.
[[nodiscard]] std::vector<std::string> queues_of(std::span<const simulate::TraceJob> trace);

// The fewest empty nodes of `cores` cores that hold the job, and its size in nodes, parts counted.
[[nodiscard]] std::uint32_t nodes_of(const PlanJob& job, std::uint32_t cores);
[[nodiscard]] double weight_of(const PlanJob& job, std::uint32_t cores);
// The core-seconds that it works.
[[nodiscard]] double work_of(const PlanJob& job, std::uint32_t cores);

}  // namespace fluxmetrics::plan
