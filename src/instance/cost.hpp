// A poll's rate follows its measured cost, so that all polls together take about one percent of the broker's
// time.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"

namespace fluxmetrics::instance {

// One kind of poll: when it may run next. The measured round trip bounds from above what the broker spent.
class PollBudget {
 public:
  // `floor`: never more often than this. `ceiling`: never stretched beyond this.
  PollBudget(Seconds floor, Seconds ceiling) : floor_(floor), ceiling_(std::max(floor, ceiling)) {}

  void ran(MonoTime began, MonoTime ended) {
    const Seconds pause = std::clamp(cost_factor * Seconds(ended - began), floor_, ceiling_);
    next_ = ended + std::chrono::duration_cast<MonoTime::duration>(pause);
  }
  [[nodiscard]] MonoTime next() const { return next_; }
  [[nodiscard]] bool may_run(MonoTime now) const { return now >= next_; }

 private:
  static constexpr double cost_factor = 100;
  Seconds floor_;
  Seconds ceiling_;
  MonoTime next_{};
};

}  // namespace fluxmetrics::instance
