// A poll's rate follows its measured cost, so that all polls together take about one percent of the broker's
// time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

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

// How much of the broker's time all polls together take: what is waited for, with a memory of a minute.
class CostMeter {
 public:
  explicit CostMeter(MonoTime began) : began_(began), last_(began) {}

  void ran(MonoTime began, MonoTime ended) {
    forget(ended);
    lately_ += Seconds(ended - began);
  }
  // A part of the time, 0..1.
  [[nodiscard]] double share(MonoTime now) {
    forget(now);
    const double seen = memory.count() * (1 - std::exp(-Seconds(now - began_) / memory));
    return seen > 0 ? lately_.count() / seen : 0;
  }

 private:
  static constexpr Seconds memory{60};
  void forget(MonoTime now) {
    lately_ *= std::exp(-Seconds(now - last_) / memory);
    last_ = now;
  }
  MonoTime began_;
  MonoTime last_;
  Seconds lately_{0};
};

}  // namespace fluxmetrics::instance
