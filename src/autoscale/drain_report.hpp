// Keeps what the drainer tells of itself: what it did, what it waits for and since when.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "flux/idset.hpp"
#include "flux/job.hpp"
#include "metrics/draining.hpp"
#include "sizing/resize.hpp"

namespace fluxmetrics::autoscale {

class DrainReport {
 public:
  void on_drained(const flux::IdSet& ranks, MonoTime now);
  void on_undrained(const flux::IdSet& ranks);
  // What a round saw and what it waits for; `sentence` says it.
  void on_round(const sizing::ResizeObservation& seen, const sizing::ResizeActions& actions,
                std::string sentence, Now now);
  // Of the ranks that are waited for.
  void on_jobs(const std::vector<flux::JobId>& jobs);
  // "" when all is well.
  void on_trouble(std::string trouble);

  // The same pointer as long as nothing changes.
  [[nodiscard]] std::shared_ptr<const metrics::Draining> read();

 private:
  metrics::Draining told_;
  std::shared_ptr<const metrics::Draining> shared_;  // null: told_ has changed
  std::map<flux::IdSet::Id, MonoTime> since_;        // of ranks that we drained and have not seen empty
  sizing::ResizeWait wait_ = sizing::ResizeWait::nothing;
  flux::IdSet waits_for_;
};

}  // namespace fluxmetrics::autoscale
