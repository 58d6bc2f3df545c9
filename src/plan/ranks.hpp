// The ranks of a simulated MiniCluster: which are up, what is free on them, and where a job goes.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "plan/workload.hpp"

namespace fluxmetrics::plan {

// (rank, cores) of a job that runs.
using RankShares = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

class PlanRanks {
 public:
  PlanRanks(std::uint32_t count, std::uint32_t cores) : cores_(cores), ranks_(count) {}

  void set_up(std::uint32_t rank, bool up);
  void set_drained(std::uint32_t rank, bool drained);
  [[nodiscard]] bool up(std::uint32_t rank) const { return ranks_[rank].up; }
  [[nodiscard]] bool drained(std::uint32_t rank) const { return ranks_[rank].drained; }
  [[nodiscard]] bool busy(std::uint32_t rank) const { return ranks_[rank].used > 0; }
  [[nodiscard]] std::uint32_t used(std::uint32_t rank) const { return ranks_[rank].used; }  // cores

  // On the lowest ranks that fit; empty when it does not fit now.
  [[nodiscard]] RankShares place(const PlanJob& job);
  void release(const RankShares& placement);

  [[nodiscard]] std::uint32_t cores() const { return cores_; }  // of each rank
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(ranks_.size()); }
  [[nodiscard]] std::uint32_t up_count() const { return up_; }
  [[nodiscard]] std::uint64_t used_cores() const { return used_; }
  // 1 + the highest rank that holds anything.
  [[nodiscard]] std::uint32_t highest_busy() const;

 private:
  struct Rank {
    bool up = false;
    bool drained = false;
    std::uint32_t used = 0;
  };
  [[nodiscard]] std::uint32_t free_on(const Rank& rank) const {
    return rank.up && !rank.drained ? cores_ - rank.used : 0;
  }
  void count_free(const Rank& rank, int sign);

  std::uint32_t cores_;
  std::vector<Rank> ranks_;
  std::uint32_t up_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t free_ = 0;        // cores that a job may have
  std::uint32_t empty_ = 0;       // ranks that a job may have whole
  std::uint32_t first_free_ = 0;  // below it no rank has room
};

}  // namespace fluxmetrics::plan
