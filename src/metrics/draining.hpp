// What the drainer tells of itself: to Prometheus, and to people who ask why a size does not change.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/histogram.hpp"
#include "flux/idset.hpp"

namespace fluxmetrics::metrics {

struct Draining {
  static constexpr std::array<double, 10> idle_bounds{1, 5, 15, 60, 300, 900, 1800, 3600, 14400, 86400};

  std::uint64_t drained = 0;          // ranks, since this program began
  std::uint64_t undrained = 0;        // ranks
  flux::IdSet ranks;                  // drained by us, and not undrained
  std::uint64_t refused_shrinks = 0;  // a smaller size that had to wait for what runs
  Histogram until_idle{idle_bounds};  // seconds from a rank's drain until nothing ran there
  std::string waits;                  // what the size, or an undrain, waits for; "" when nothing does
  std::string jobs;                   // that it waits for: their ids
  WallTime since;                     // of `waits`
  std::string trouble;                // why nothing is drained or undrained; "" when all is well
};

}  // namespace fluxmetrics::metrics
