// The metrics that a plan's model knows, by their names and definitions in docs/metrics.md. Every strategy
// reads its metrics here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "plan/moment.hpp"
#include "sizing/backlog.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::plan {

// Of the ranks up to the largest size.
struct PlanNodes {
  std::uint64_t up = 0;  // takes jobs: neither offline nor drained
  std::uint64_t allocated = 0;
  std::uint64_t allocated_up = 0;
  std::uint64_t free = 0;  // up, with a free core
  std::uint64_t idle = 0;  // up, with nothing in use
  std::uint64_t cores_allocated = 0;
  std::uint64_t cores_free = 0;  // of those that are up
};

// What several metrics of one moment are made of, each counted when it is first asked for. The moment must
// outlive it.
class PlanFacts {
 public:
  explicit PlanFacts(const PlanMoment& moment) : moment_(moment) {}
  [[nodiscard]] const PlanMoment& moment() const { return moment_; }
  [[nodiscard]] const PlanNodes& nodes();
  // From packing the jobs: this costs as much as there are jobs.
  [[nodiscard]] const sizing::Demand& demand();
  [[nodiscard]] const sizing::QueueBacklog& backlog();

 private:
  void pack();

  const PlanMoment& moment_;
  std::optional<PlanNodes> nodes_;
  struct Packed {
    sizing::Demand demand;
    sizing::QueueBacklog backlog;
  };
  std::optional<Packed> packed_;
};

using PlanValue = std::optional<double> (*)(PlanFacts& facts);

// A metric of the whole instance, with the items that its selector leaves.
struct PlanMetric {
  std::string_view name = {};         // lives as long as the program
  std::vector<PlanValue> items = {};  // never empty; the value is their sum

  // nullopt: there is no such number now (a ratio without a node).
  [[nodiscard]] std::optional<double> value(PlanFacts& facts) const;
};

// By name, ascending.
[[nodiscard]] std::vector<std::string_view> plan_metric_names();

// `selector`: of the metric's items, "" for all. `queues`: those that the jobs of the workload name. The
// model has one queue for all jobs: where they name none, it has the name that the selector asks for. Errors:
// Code::not_found for a name that the model does not know; Code::invalid for a selector that leaves no item
// of it, or some of the workload's queues and not others.
[[nodiscard]] Result<PlanMetric> find_plan_metric(std::string_view name, const std::string& selector = "",
                                                  std::span<const std::string> queues = {});

// A metric that each pod has its own value of.
using PlanPodValue = std::optional<double> (*)(const PlanRanks& ranks, std::uint32_t rank);
[[nodiscard]] std::vector<std::string_view> plan_pod_metric_names();
// Null when the model does not know it.
[[nodiscard]] PlanPodValue find_plan_pod_metric(std::string_view name);

}  // namespace fluxmetrics::plan
