// How many jobs are in each state, in all and by queue: job-list.job-stats, kept as jobs move.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "flux/job_stats.hpp"
#include "simulate/job.hpp"

namespace fluxmetrics::simulate {

class Counts {
 public:
  // `queues`: the names of the configured ones, in the order of Job::queue; none for the anonymous queue.
  explicit Counts(const std::vector<std::string>& queues);

  // The job went from `from` to its present state; jobs begin as new, which is not counted.
  void moved(const Job& job, flux::JobState from);
  // An inactive job is forgotten.
  void purged(const Job& job);
  [[nodiscard]] const flux::JobStats& stats() const { return stats_; }

 private:
  template <class Change>
  void each(const Job& job, const Change& change);
  flux::JobStats stats_;
};

}  // namespace fluxmetrics::simulate
