// How long nodes take to come and to go: quantiles of 1,214 timings on GKE (c2-standard-8, the article's
// experiment; one run that hung at 1,512 s left out), and random numbers that are the same everywhere for one
// seed.
#pragma once

#include <cstdint>

namespace fluxmetrics::plan {

// splitmix64: small, fast, and the same numbers with every compiler.
class PlanRandom {
 public:
  explicit PlanRandom(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  // In [0, 1).
  [[nodiscard]] double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  [[nodiscard]] double between(double least, double most) { return least + ((most - least) * unit()); }

 private:
  std::uint64_t state_;
};

// Seconds until `count` nodes that are asked for at once are there; `quantile` in [0, 1]. Between the counts
// that were measured (1, 2, 10) and above them it goes with the logarithm of the count.
[[nodiscard]] double add_seconds(std::uint32_t count, double quantile);
// Seconds until a node that is given back is gone: alone, or with others.
[[nodiscard]] double remove_seconds(std::uint32_t count, double quantile);

// What a node that is there still needs before it takes jobs: its pod starts and its broker joins.
inline constexpr double least_join_seconds = 2;
inline constexpr double most_join_seconds = 5;

// From the order of a single node until it takes jobs, and from its release until it is gone: medians.
[[nodiscard]] double median_come_seconds();
[[nodiscard]] double median_go_seconds();

}  // namespace fluxmetrics::plan
