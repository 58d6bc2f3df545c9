// Where Fluxion puts a job: its match policies on a graph of nodes with cores and gpus.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "flux/jobspec.hpp"
#include "simulate/fluxion_options.hpp"
#include "simulate/pool.hpp"

namespace fluxmetrics::simulate {

// A node that a job might use, for as long as the job would.
struct MatchNode {
  Slice free;
  bool idle = true;          // nobody else is on it
  std::uint64_t weight = 0;  // the heaviest are looked at first by a policy that stops early
};

// `nodes`: by ascending rank. `whole`: what any node has, by rank. Nothing when there is no room.
[[nodiscard]] std::optional<Placement> match(const flux::Shape& shape, const MatchPolicy& policy,
                                             std::vector<MatchNode> nodes, const std::vector<Slice>& whole);

}  // namespace fluxmetrics::simulate
