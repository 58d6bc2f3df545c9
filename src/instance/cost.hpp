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

  // `stretch`: how many times longer than its own cost asks for the pause is.
  void ran(MonoTime began, MonoTime ended, double stretch = 1) {
    const Seconds pause = std::clamp(stretch * cost_factor * Seconds(ended - began), floor_, ceiling_);
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
    return lately_ / std::max(Seconds(1e-3), seen(now));
  }
  // By how much all polls must be rarer, 1 or more, so that they stay near one percent together although each
  // kind alone may take as much. The first seconds, in which all is asked for once, are no measure.
  [[nodiscard]] double stretch(MonoTime now) {
    forget(now);
    const double part = lately_ / std::max(first_seconds, seen(now)) / half_of_goal;
    return std::clamp(part * part, 1.0, longest);
  }

 private:
  static constexpr Seconds memory{60};
  static constexpr Seconds first_seconds{20};
  static constexpr double half_of_goal = 0.005;
  static constexpr double longest = 10;
  [[nodiscard]] Seconds seen(MonoTime now) const {
    return memory * (1 - std::exp(-Seconds(now - began_) / memory));
  }
  void forget(MonoTime now) {
    lately_ *= std::exp(-Seconds(now - last_) / memory);
    last_ = now;
  }
  MonoTime began_;
  MonoTime last_;
  Seconds lately_{0};
};

}  // namespace fluxmetrics::instance
