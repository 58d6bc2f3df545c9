#include "simulate/fluxion_match.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxmetrics::simulate {
namespace {

using Ids = std::vector<flux::IdSet::Id>;

// In the order in which the policy takes them.
Ids ordered(const flux::IdSet& ids, bool high) {
  Ids list(ids.begin(), ids.end());
  if (high) std::ranges::reverse(list);
  return list;
}

// Adds `count` ids of `list` from `first` on.
void add(flux::IdSet& to, const Ids& list, std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i)
    to.insert(list.at(i));
}

// Entire nodes for a job that has parts of them.
void widen(Placement& placement, const std::vector<Slice>& whole) {
  for (Slice& slice : placement.slices)
    slice = whole.at(slice.rank);
}

std::optional<Placement> match_nodes(const flux::Shape& shape, const MatchPolicy& policy,
                                     std::vector<MatchNode> nodes, const std::vector<Slice>& whole) {
  const std::size_t cores = std::size_t{shape.slots} * shape.cores;
  const std::size_t gpus = std::size_t{shape.slots} * shape.gpus;
  std::erase_if(nodes, [&](const MatchNode& node) {
    return node.free.cores.size() < cores || node.free.gpus.size() < gpus || (shape.exclusive && !node.idle);
  });
  if (nodes.size() < *shape.nodes) return std::nullopt;
  // What stops early has found the first ones; the others choose among all, by id.
  if (!policy.stop_on_1_matches && policy.high) std::ranges::reverse(nodes);
  Placement placement;
  placement.slots = shape.slots * *shape.nodes;
  for (std::size_t i = 0; i < *shape.nodes; ++i) {
    const Slice& free = nodes[i].free;
    Slice slice{.rank = free.rank, .cores = {}, .gpus = {}};
    add(slice.cores, ordered(free.cores, policy.high), 0, cores);
    add(slice.gpus, ordered(free.gpus, policy.high), 0, gpus);
    placement.slices.push_back(std::move(slice));
  }
  if (shape.exclusive || policy.node_exclusive) widen(placement, whole);
  return placement;
}

// A slot that would fit, and what it scores: the sum over its cores and gpus of their ids, each with its
// node's when that counts.
struct Slot {
  std::int64_t score = 0;
  std::size_t node = 0;   // index
  std::size_t index = 0;  // on that node, in the policy's order
};

std::vector<Slot> slots_of(const std::vector<MatchNode>& nodes, const flux::Shape& shape,
                           const MatchPolicy& policy) {
  constexpr std::int64_t of_a_node = 10'000;
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Slice& free = nodes[i].free;
    std::size_t count = free.cores.size() / shape.cores;
    if (shape.gpus > 0) count = std::min(count, free.gpus.size() / shape.gpus);
    if (policy.stop_on_1_matches) count = std::min<std::size_t>(count, shape.slots);
    const Ids cores = ordered(free.cores, policy.high);
    const Ids gpus = ordered(free.gpus, policy.high);
    const std::int64_t base = policy.node_centric ? (std::int64_t{free.rank} + 2) * of_a_node : 0;
    for (std::size_t index = 0; index < count; ++index) {
      Slot slot{.score = 0, .node = i, .index = index};
      for (std::size_t core = 0; core < shape.cores; ++core)
        slot.score += base + cores.at(index * shape.cores + core) + 1;
      for (std::size_t gpu = 0; gpu < shape.gpus; ++gpu)
        slot.score += base + gpus.at(index * shape.gpus + gpu) + 1;
      slots.push_back(slot);
    }
    if (policy.stop_on_1_matches && slots.size() >= shape.slots) break;
  }
  return slots;
}

std::optional<Placement> match_slots(const flux::Shape& shape, const MatchPolicy& policy,
                                     const std::vector<MatchNode>& nodes, const std::vector<Slice>& whole) {
  std::vector<Slot> slots = slots_of(nodes, shape, policy);
  if (slots.size() < shape.slots) return std::nullopt;
  // Not a stable sort: Fluxion's is not either, and which of equal slots comes first is to be the same.
  std::ranges::sort(slots, [&](const Slot& a, const Slot& b) {
    return policy.high ? a.score > b.score : a.score < b.score;
  });
  slots.resize(shape.slots);
  std::map<std::size_t, Slice> chosen;
  for (const Slot& slot : slots) {
    const Slice& free = nodes[slot.node].free;
    Slice& slice =
        chosen.try_emplace(slot.node, Slice{.rank = free.rank, .cores = {}, .gpus = {}}).first->second;
    add(slice.cores, ordered(free.cores, policy.high), slot.index * shape.cores, shape.cores);
    add(slice.gpus, ordered(free.gpus, policy.high), slot.index * shape.gpus, shape.gpus);
  }
  Placement placement;
  placement.slots = shape.slots;
  for (auto& [node, slice] : chosen)
    placement.slices.push_back(std::move(slice));
  if (policy.node_exclusive) widen(placement, whole);
  return placement;
}

}  // namespace

std::optional<Placement> match(const flux::Shape& shape, const MatchPolicy& policy,
                               std::vector<MatchNode> nodes, const std::vector<Slice>& whole) {
  if (shape.cores == 0 || shape.slots == 0) return std::nullopt;
  if (policy.stop_on_1_matches) {
    std::ranges::sort(nodes, [](const MatchNode& a, const MatchNode& b) {
      return std::tuple(b.weight, b.free.rank) < std::tuple(a.weight, a.free.rank);
    });
  }
  auto placement = shape.nodes ? match_nodes(shape, policy, std::move(nodes), whole)
                               : match_slots(shape, policy, nodes, whole);
  if (placement) std::ranges::sort(placement->slices, {}, &Slice::rank);
  return placement;
}

}  // namespace fluxmetrics::simulate
