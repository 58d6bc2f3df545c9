// When to try again what has failed: later each time.
#pragma once

#include "base/clock.hpp"
#include "base/pauses.hpp"

namespace fluxmetrics::user {

class BackOff {
 public:
  static constexpr std::chrono::seconds first{1};
  static constexpr std::chrono::seconds longest{60};

  void failed(MonoTime now) {
    waits_ = true;
    until_ = now + std::chrono::duration_cast<MonoTime::duration>(pauses_.next());
  }
  void succeeded() {
    waits_ = false;
    pauses_.start_again();
  }
  // Whether it has failed, and not succeeded since.
  [[nodiscard]] bool waits() const { return waits_; }
  [[nodiscard]] bool due(MonoTime now) const { return !waits_ || now >= until_; }
  [[nodiscard]] MonoTime until() const { return until_; }

 private:
  bool waits_ = false;
  Pauses pauses_{{.first = first, .longest = longest}};
  MonoTime until_;
};

}  // namespace fluxmetrics::user
