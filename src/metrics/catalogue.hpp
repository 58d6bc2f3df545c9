// Every metric there is: descriptions, and the pure functions that make values of a state.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "instance/state.hpp"
#include "metrics/facts.hpp"
#include "metrics/family.hpp"
#include "metrics/watch.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::metrics {

// Sorted by name; static lifetime.
[[nodiscard]] std::span<const Description> catalogue();
[[nodiscard]] const Description* find_description(std::string_view name);

struct Inputs {
  const instance::InstanceState& state;
  const sizing::Demand& demand;
  std::uint32_t wanted = 0;    // node_wanted_count
  bool ranks_are_pods = true;  // false in a sub-instance that was asked for: numbers of pods are then 404
  WallTime now = {};           // of the snapshot, by the broker's clock
  const Watched* watched = nullptr;  // null = nobody has watched yet
};

// One family for each description, in the same order. `facts`: of the state.
[[nodiscard]] std::vector<Family> evaluate(const Inputs& inputs, const StateFacts& facts);
[[nodiscard]] std::vector<Family> evaluate(const Inputs& inputs);

// `families`, an evaluation of the same state and facts, at another moment: the same pointer when nothing
// moved.
using Families = std::shared_ptr<const std::vector<Family>>;
[[nodiscard]] Families at_time(const Families& families, const Inputs& inputs, const StateFacts& facts);

}  // namespace fluxmetrics::metrics
