// Plays one strategy over a workload, event by event. The same input gives the same result, to the last bit.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hpa/kubernetes_version.hpp"
#include "plan/strategy.hpp"
#include "plan/workload.hpp"

namespace fluxmetrics::plan {

struct PlanSetup {
  std::uint32_t min = 2;
  std::uint32_t max = 64;
  std::uint32_t cores = 8;  // a node
  std::uint64_t seed = 1;
  double period = 15.02;  // from one sync of the HPA to the next
  double hold = 60;       // of the wanted size
  double patience = 60;   // of the wanted size
  double pod_grace = 30;  // so long the broker of a deleted pod lives on and takes jobs
  hpa::KubernetesVersion kubernetes = {};
  double give_up_after = 21600;  // after the last submission; what has not ended then never does
  double tail = 600;             // nodes are paid for until so long after the last job
};

struct PlanPoint {
  double t = 0;
  std::uint32_t size = 0;    // spec.size
  std::uint32_t up = 0;      // nodes that take jobs
  std::uint32_t demand = 0;  // nodes that running and waiting jobs would fill
  std::uint32_t queue = 0;   // jobs that wait
};

struct PlanOutcome {
  std::string strategy = {};
  std::uint64_t jobs = 0;
  std::uint64_t finished = 0;
  std::uint64_t killed = 0;  // times that a job was killed; it is queued again
  std::uint64_t resizes = 0;
  double makespan = 0;   // seconds from 0 to the end of the last job
  double mean_wait = 0;  // seconds, of jobs that ended, until their last start
  double p95_wait = 0;
  double node_hours = 0;
  double utilisation = 0;              // of the cores that are paid for, in work that was not lost
  std::vector<double> waits = {};      // 101 quantiles: 0, 0.01 ... 1
  std::vector<PlanPoint> points = {};  // over time, at most about 2,000
};

[[nodiscard]] PlanOutcome run_plan_strategy(const PlanStrategy& strategy, std::span<const PlanJob> jobs,
                                            const PlanSetup& setup);

}  // namespace fluxmetrics::plan
