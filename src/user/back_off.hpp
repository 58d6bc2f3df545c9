// When to try again what has failed: later each time.
#pragma once

#include <algorithm>

#include "base/clock.hpp"

namespace fluxmetrics::user {

class BackOff {
 public:
  static constexpr std::chrono::seconds first{1};
  static constexpr std::chrono::seconds longest{60};

  void failed(MonoTime now) {
    pause_ = waits_ ? std::min(pause_ * 2, longest) : first;
    waits_ = true;
    until_ = now + pause_;
  }
  void succeeded() { waits_ = false; }
  // Whether it has failed, and not succeeded since.
  [[nodiscard]] bool waits() const { return waits_; }
  [[nodiscard]] bool due(MonoTime now) const { return !waits_ || now >= until_; }
  [[nodiscard]] MonoTime until() const { return until_; }

 private:
  bool waits_ = false;
  std::chrono::seconds pause_ = first;
  MonoTime until_;
};

}  // namespace fluxmetrics::user
