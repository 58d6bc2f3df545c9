// Inside the catalogue: a description together with the function that makes its values.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "metrics/facts.hpp"
#include "metrics/family.hpp"
#include "metrics/inputs.hpp"

namespace fluxmetrics::metrics {

struct Facts {
  const Inputs& inputs;
  const NodeFacts& nodes;
  const std::vector<sizing::QueueBacklog>& backlog;
};

struct Metric {
  Description description;
  Result<std::vector<Item>> (*values)(const Facts& facts);
  bool moves = false;  // with time alone, while the state stays as it is
};

// The metrics of each kind, in no order.
[[nodiscard]] std::vector<Metric> node_metrics();
[[nodiscard]] std::vector<Metric> job_metrics();
[[nodiscard]] std::vector<Metric> queue_metrics();
[[nodiscard]] std::vector<Metric> scheduler_metrics();
[[nodiscard]] std::vector<Metric> sizing_metrics();

// One item without labels.
[[nodiscard]] inline std::vector<Item> single(std::uint64_t value) {
  return {{.labels = {}, .value = static_cast<double>(value)}};
}

}  // namespace fluxmetrics::metrics
