// Every metric there is: descriptions, and the pure functions that make values of a state.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "instance/state.hpp"
#include "metrics/family.hpp"
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
};

// One family for each description, in the same order.
[[nodiscard]] std::vector<Family> evaluate(const Inputs& inputs);

}  // namespace fluxmetrics::metrics
