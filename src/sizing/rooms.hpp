// How much room each rank has: ranks with equal room are kept as one run, so 10,000 equal nodes cost as much
// as one.
#pragma once

#include <cstdint>
#include <vector>

#include "flux/idset.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::sizing {

// Consecutive ranks of one kind with the same room left.
struct RankRun {
  flux::IdSet::Id first = 0;
  flux::IdSet::Id last = 0;  // inclusive
  flux::Amount total;        // what each rank has
  flux::Amount free;         // what nobody uses, counted by core and gpu id
  bool busy = false;         // something is allocated on each of them
  [[nodiscard]] std::uint64_t count() const { return std::uint64_t{last} - first + 1; }
};

// The ranks of `resources` that are in `ranks`, ascending, with what `allocated` leaves of them.
[[nodiscard]] std::vector<RankRun> rank_runs(const flux::ResourceSet& resources,
                                             const flux::ResourceSet& allocated, const flux::IdSet& ranks);

// 1 + the highest of them; 0 when there is none.
[[nodiscard]] std::uint32_t end_of(const flux::IdSet& ranks);

// Ranks on which `allocated` holds at least one core or gpu.
[[nodiscard]] flux::IdSet busy_ranks(const flux::ResourceSet& allocated);

}  // namespace fluxmetrics::sizing
