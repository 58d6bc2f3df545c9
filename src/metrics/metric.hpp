// Inside the catalogue: a description together with the function that makes its values.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "flux/idset.hpp"
#include "metrics/catalogue.hpp"
#include "metrics/family.hpp"

namespace fluxmetrics::metrics {

// What is counted once for all metrics of a snapshot.
struct NodeFacts {
  flux::IdSet total, up, down, drained, allocated;
  std::uint64_t free = 0;  // up, with a core free
  std::uint64_t idle = 0;  // up, with nothing in use
  flux::Amount amount_total, amount_up, amount_free, amount_allocated;
};
[[nodiscard]] NodeFacts count_nodes(const instance::InstanceState& state);

struct Facts {
  const Inputs& inputs;
  NodeFacts nodes;
};

struct Metric {
  Description description;
  Result<std::vector<Item>> (*values)(const Facts& facts);
};

// The metrics of each kind, in no order.
[[nodiscard]] std::vector<Metric> node_metrics();
[[nodiscard]] std::vector<Metric> job_metrics();
[[nodiscard]] std::vector<Metric> sizing_metrics();

// One item without labels.
[[nodiscard]] inline std::vector<Item> single(std::uint64_t value) {
  return {{.labels = {}, .value = static_cast<double>(value)}};
}

}  // namespace fluxmetrics::metrics
