// What is counted once for all metrics of a state.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "flux/idset.hpp"
#include "flux/resource_set.hpp"
#include "instance/state.hpp"
#include "sizing/backlog.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::metrics {

struct NodeFacts {
  flux::IdSet total, up, down, drained, allocated;
  std::uint64_t free = 0;  // up, with a core free
  std::uint64_t idle = 0;  // up, with nothing in use
  flux::Amount amount_total, amount_up, amount_free, amount_allocated;
  flux::Amount amount_down_used;  // in use on nodes that are down
};

// Each rank is in one of these: the first that holds.
inline constexpr std::array<std::string_view, 7> node_states{"excluded", "offline",   "torpid", "draining",
                                                             "drained",  "allocated", "idle"};

struct StateFacts {
  NodeFacts nodes;
  std::array<std::uint64_t, node_states.size()> partition{};  // ranks in each of node_states
  std::vector<sizing::QueueBacklog> backlog;                  // one for each queue, in the state's order
};

// `demand` is that of `state`.
[[nodiscard]] StateFacts count_facts(const instance::InstanceState& state, const sizing::Demand& demand);

}  // namespace fluxmetrics::metrics
