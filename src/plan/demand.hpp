// How many nodes the jobs of a plan want at one moment: docs/sizing.md's wanted size, from sums that are kept
// up to date job by job, so that a queue of 100,000 costs nothing to look at.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <ranges>
#include <span>
#include <vector>

#include "plan/workload.hpp"

namespace fluxmetrics::plan {

class PlanDemand {
 public:
  struct Waiting {
    std::uint32_t job;
    double since;
  };

 private:
  struct Running {
    std::uint32_t job;
    double end;
  };

 public:
  PlanDemand(std::span<const PlanJob> jobs, std::uint32_t cores, double patience, double hold);

  // Jobs are started in the order in which they were queued.
  void queued(std::uint32_t job, double now);
  void started(std::uint32_t job, double end);
  void stopped(std::uint32_t job);

  // The jobs that wait, in the order in which they were queued.
  [[nodiscard]] const std::deque<Waiting>& waiting() const { return waiting_; }
  // The jobs that run, in no order.
  [[nodiscard]] auto running() const { return running_ | std::views::transform(&Running::job); }
  // Nodes that the running and the waiting jobs would fill.
  [[nodiscard]] double demand() const { return running_weight_ + waiting_weight_; }
  // The wanted size before any minimum, maximum and protection of what runs: the largest of the last `hold`
  // seconds.
  [[nodiscard]] std::uint32_t need(double now);

 private:
  [[nodiscard]] double share(std::uint32_t job) const;
  void grow_old(double now);
  [[nodiscard]] std::uint32_t undrained(double now);

  std::vector<double> weights_;
  std::vector<double> durations_;
  std::vector<std::uint32_t> widths_;
  double patience_;
  double hold_;
  std::deque<Waiting> waiting_;
  std::size_t old_ = 0;  // the first so many wait for so long that they count in full
  double old_weight_ = 0;
  double young_weight_ = 0;
  double waiting_weight_ = 0;
  double running_weight_ = 0;
  std::map<std::uint32_t, std::uint32_t> wide_;  // widths of waiting jobs
  std::vector<Running> running_;
  std::vector<std::uint32_t> place_;  // of a job in running_
  struct Peak {
    double t;
    std::uint32_t nodes;
  };
  std::deque<Peak> peaks_;  // falling
};

}  // namespace fluxmetrics::plan
