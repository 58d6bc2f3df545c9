// Cores and gpus of every rank, and who gets them: placement as Flux's own simple scheduler does it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flux/idset.hpp"
#include "flux/jobspec.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::simulate {

// What one job holds on one rank.
struct Slice {
  flux::IdSet::Id rank = 0;
  flux::IdSet cores;
  flux::IdSet gpus;
};

struct Placement {
  std::vector<Slice> slices;  // by ascending rank
  std::uint32_t slots = 0;
  [[nodiscard]] flux::IdSet ranks() const;
};

class Pool {
 public:
  // All ranks alike, all free.
  Pool(std::uint32_t ranks, std::uint32_t cores, std::uint32_t gpus);

  // Where a job of `shape` would go now: on ranks in `up` and `admitted`; those with the most free cores
  // (then gpus) come first, ties go to the lowest rank. Nothing when there is no room.
  [[nodiscard]] std::optional<Placement> place(const flux::Shape& shape, const flux::IdSet& up,
                                               const flux::IdSet& admitted) const;
  // The scheduler's words when even all admitted ranks, up or down, free of everything else, would not do.
  [[nodiscard]] std::optional<std::string> unsatisfiable(const flux::Shape& shape,
                                                         const flux::IdSet& admitted) const;

  void take(const Placement& placement);
  void give_back(const Placement& placement);
  // What `rank` has, and what of it is not taken.
  [[nodiscard]] Slice whole(flux::IdSet::Id rank) const;
  [[nodiscard]] Slice free(flux::IdSet::Id rank) const;
  // What is taken, by ascending rank.
  [[nodiscard]] std::vector<Slice> taken() const;

 private:
  struct Node {
    flux::IdSet cores, gpus;
    flux::IdSet used_cores, used_gpus;
  };
  [[nodiscard]] std::vector<Slice> candidates(const flux::IdSet& ranks, const flux::Shape& shape) const;
  std::vector<Node> nodes_;
};

// R (RFC 20) of `slices`: ranks with the same cores and gpus share an entry, names come from `hosts` (by
// rank) and `properties` keeps the ranks that are in it.
[[nodiscard]] flux::ResourceSet make_resource_set(const std::vector<Slice>& slices,
                                                  const std::vector<std::string>& hosts,
                                                  const std::map<std::string, flux::IdSet>& properties);

// "rank[0-1]/core[0-3] rank2/core0,gpu0": how the scheduler annotates a running job.
[[nodiscard]] std::string summary(const flux::ResourceSet& resources);

// Makes the times of `R`, as JSON, whole numbers.
void whole_seconds(boost::json::value& R);

// "3" or "[1-2]": an idset as the scheduler's and job-list's texts show it.
[[nodiscard]] std::string bracketed(const flux::IdSet& ids);

}  // namespace fluxmetrics::simulate
