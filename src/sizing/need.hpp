// What one job asks of the ranks it runs on: a shape, reduced to the amounts that packing compares.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "flux/jobspec.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::sizing {

// A piece is what has to lie on one rank: the job's share of a node when it asks for nodes, else a single
// slot.
struct Need {
  bool by_node = false;      // each piece on a rank of its own; else pieces may share a rank
  std::uint64_t pieces = 1;  // nodes, or slots
  flux::Amount piece;        // cores and gpus of one piece
  bool exclusive = false;    // on ranks with nothing in use, which are then taken whole
  auto operator<=>(const Need&) const = default;

  // How many pieces a rank that has `total`, of which `free` is unused, can take.
  [[nodiscard]] std::uint64_t fits(const flux::Amount& total, const flux::Amount& free) const;
  // How many ranks that have `node` each one job takes when they are empty. A piece that is larger than
  // `node` counts as one of its own.
  [[nodiscard]] std::uint64_t ranks_on(const flux::Amount& node) const;
  // What one job holds on such ranks.
  [[nodiscard]] flux::Amount held_on(const flux::Amount& node) const;
};

// `whole_nodes`: the scheduler shares no node between jobs, whatever they ask for.
[[nodiscard]] Need need_of(const flux::Shape& shape, bool whole_nodes);

// A running job as job-list tells it: `nnodes` nodes with an equal part of `ncores` each (rounded up).
// Absent when job-list gives no node count.
[[nodiscard]] std::optional<Need> need_of_running(std::optional<std::uint32_t> nnodes,
                                                  std::optional<std::uint32_t> ncores);

// How many of `slot` fit in `room`.
[[nodiscard]] std::uint64_t how_often(const flux::Amount& slot, const flux::Amount& room);

}  // namespace fluxmetrics::sizing
