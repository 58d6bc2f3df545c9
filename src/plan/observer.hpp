// What the HPA controller sees of a plan's model at a sync: the scale, the pods, and the answers of the
// metrics APIs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hpa/observation.hpp"
#include "plan/metrics.hpp"
#include "plan/strategy.hpp"

namespace fluxmetrics::plan {

class PlanObserver {
 public:
  // `strategy` has an HPA and must outlive the observer.
  explicit PlanObserver(const PlanStrategy& strategy);

  // Once a sync, in the order of time.
  [[nodiscard]] hpa::HpaObservation look(PlanFacts& facts, std::uint32_t size);

 private:
  void add_value(hpa::HpaObservation& seen, std::size_t index, PlanFacts& facts) const;
  void list_pods(hpa::HpaObservation& seen, const PlanMoment& moment, std::uint32_t size);
  void sample_cpu(hpa::HpaObservation& seen, const PlanMoment& moment, std::uint32_t size);

  const PlanStrategy& strategy_;
  bool looks_at_pods_ = false;
  bool looks_at_cpu_ = false;
  std::vector<std::string> names_;                        // of pods, by rank
  std::vector<std::optional<std::int64_t>> ready_since_;  // by rank, in ms; nullopt: is not
  // The resource metrics of the sync before.
  std::optional<std::map<std::string, hpa::ContainerUsage>> usage_;
  std::int64_t usage_ms_ = 0;
};

}  // namespace fluxmetrics::plan
