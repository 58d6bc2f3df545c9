// First-fit placement of many equal jobs on runs of equal ranks: the cost follows the number of runs and of
// jobs, never the product of jobs and ranks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "flux/idset.hpp"
#include "flux/resource_set.hpp"
#include "sizing/need.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::sizing {

// Consecutive bins (ranks, or imagined nodes) in the same condition.
struct Run {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  flux::Amount total;          // what each bin has
  flux::Amount start;          // what was free before anything was placed
  flux::Amount free;           // what is free now
  bool open = true;            // the next job may use these bins
  bool touched = false;        // a placed job uses them
  std::uint32_t admitted = 0;  // imagined nodes: the set of ranks they stand for
  std::uint32_t owner = 0;     // imagined nodes: the queue whose job came first

  [[nodiscard]] std::uint64_t end() const { return first + count; }
  bool operator==(const Run&) const = default;
};

using Runs = std::vector<Run>;

[[nodiscard]] Runs to_runs(std::span<const RankRun> ranks);
// The same bins with nothing in use.
[[nodiscard]] Runs emptied(Runs runs);
// Opens the bins whose numbers are in `admitted` and closes the others; runs are cut where that changes.
void open_only(Runs& runs, const flux::IdSet& admitted);
// Joins neighbours that differ in nothing, or only in being open: whom to admit is decided anew for each job.
void merge(Runs& runs);

// Places up to `jobs` jobs one after the other, each on the lowest open bins with room, all of a job or
// nothing of it. Returns how many found room.
std::uint64_t place(Runs& runs, const Need& need, std::uint64_t jobs);

// The lowest open bins on which one job fits, counted with Run::start, or with Run::total when `empty`.
// Absent when it does not fit.
struct Fit {
  std::vector<flux::IdSet::Range> bins;
  std::uint64_t end = 0;  // 1 + the highest bin; 0 when the job asks for nothing
};
[[nodiscard]] std::optional<Fit> lowest_fit(const Runs& runs, const Need& need, bool empty);

}  // namespace fluxmetrics::sizing
