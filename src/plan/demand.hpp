// How many nodes the jobs of a plan want at one moment: docs/sizing.md's wanted size, from sums that are kept
// up to date job by job, so that a queue of 100,000 costs nothing to look at. It is a second calculation of
// sizing/demand, and a test holds the two together: they agree where jobs take whole nodes and what runs lies
// on the lowest ranks. Otherwise this one is coarser: parts of nodes are added up as if they always fitted
// together, and ranks that are free below one that is busy count as if they lay above it. Hold and limits are
// sizing/wanted's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <ranges>
#include <span>
#include <vector>

#include "plan/workload.hpp"
#include "sizing/policy.hpp"
#include "sizing/wanted.hpp"

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
  // `nodes` of `cores` cores are the most there can be.
  PlanDemand(std::span<const PlanJob> jobs, std::uint32_t cores, std::uint32_t nodes,
             const sizing::SizePolicy& policy);

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
  // The wanted size within the policy's limits, without protection of what runs elsewhere than on the lowest
  // ranks.
  [[nodiscard]] std::uint32_t need(double now);

 private:
  [[nodiscard]] double share(std::uint32_t job) const;
  void grow_old(double now);
  [[nodiscard]] std::uint32_t target(double now);
  // Where the ranks end on which one job of that width finds room: beside what runs, or else when nothing
  // does.
  [[nodiscard]] std::uint32_t end_of_one(std::uint32_t width) const;
  // Where they end when all that waits is put on free ranks, the widest first.
  [[nodiscard]] std::uint32_t end_of_all() const;

  std::vector<double> weights_;
  std::vector<double> durations_;
  std::vector<std::uint32_t> widths_;
  std::uint32_t nodes_;
  double patience_;
  sizing::WantedSize wanted_;
  std::deque<Waiting> waiting_;
  std::size_t old_ = 0;  // the first so many wait for so long that they count in full
  double old_weight_ = 0;
  double young_weight_ = 0;
  double waiting_weight_ = 0;
  double running_weight_ = 0;
  std::map<std::uint32_t, std::uint32_t, std::greater<>> wide_;  // how many jobs of each width wait
  std::vector<Running> running_;
  std::vector<std::uint32_t> place_;  // of a job in running_
};

}  // namespace fluxmetrics::plan
