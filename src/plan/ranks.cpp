#include "plan/ranks.hpp"

#include <algorithm>

namespace fluxmetrics::plan {

// Keeps the sums that say quickly that a job does not fit.
void PlanRanks::count_free(const Rank& rank, int sign) {
  const auto free = free_on(rank);
  free_ = sign > 0 ? free_ + free : free_ - free;
  if (free == cores_) empty_ = sign > 0 ? empty_ + 1 : empty_ - 1;
}

void PlanRanks::set_up(std::uint32_t rank, bool up) {
  auto& it = ranks_[rank];
  if (it.up == up) return;
  count_free(it, -1);
  it.up = up;
  up_ = up ? up_ + 1 : up_ - 1;
  count_free(it, 1);
  first_free_ = std::min(first_free_, rank);
}

void PlanRanks::set_drained(std::uint32_t rank, bool drained) {
  auto& it = ranks_[rank];
  if (it.drained == drained) return;
  count_free(it, -1);
  it.drained = drained;
  count_free(it, 1);
  first_free_ = std::min(first_free_, rank);
}

RankShares PlanRanks::place(const PlanJob& job) {
  const auto needed = job.whole ? cores_ : job.nodes > 0 ? job.slots * job.cores : job.cores;
  const std::uint64_t all =
      job.nodes > 0 ? std::uint64_t{needed} * job.nodes : std::uint64_t{job.slots} * job.cores;
  if (free_ < all || (job.whole && empty_ < job.nodes)) return {};
  while (first_free_ < ranks_.size() && free_on(ranks_[first_free_]) == 0)
    ++first_free_;
  RankShares placement;
  std::uint32_t slots = job.slots;
  for (auto rank = first_free_; rank < ranks_.size(); ++rank) {
    const auto free = free_on(ranks_[rank]);
    if (free < needed) continue;
    auto taken = needed;
    if (job.nodes == 0) {
      const auto here = std::min(slots, free / job.cores);
      slots -= here;
      taken = here * job.cores;
    }
    placement.emplace_back(rank, taken);
    if (job.nodes > 0 ? placement.size() == job.nodes : slots == 0) {
      for (const auto& [where, count] : placement) {
        count_free(ranks_[where], -1);
        ranks_[where].used += count;
        used_ += count;
        count_free(ranks_[where], 1);
      }
      return placement;
    }
  }
  return {};
}

void PlanRanks::release(const RankShares& placement) {
  for (const auto& [rank, count] : placement) {
    count_free(ranks_[rank], -1);
    ranks_[rank].used -= count;
    used_ -= count;
    count_free(ranks_[rank], 1);
    first_free_ = std::min(first_free_, rank);
  }
}

std::uint32_t PlanRanks::highest_busy() const {
  for (auto rank = count(); rank > 0; --rank) {
    if (ranks_[rank - 1].used > 0) return rank;
  }
  return 0;
}

}  // namespace fluxmetrics::plan
