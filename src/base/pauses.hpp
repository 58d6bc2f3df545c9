// How long to wait before what failed is tried again: longer each time, and not everybody at the same moment.
#pragma once

#include <functional>

#include "base/clock.hpp"

namespace fluxmetrics {

struct PauseRule {
  Seconds first{0.5};
  Seconds longest{5};  // without the jitter
  double growth = 2;   // of each pause over the one before
  double jitter = 0;   // at most this part of a pause is added by chance
};

// A number in [0, 1).
using Chance = std::function<double()>;
// Another one each time; not for secrets.
[[nodiscard]] double any_chance();

class Pauses {
 public:
  explicit Pauses(PauseRule rule, Chance chance = any_chance)
      : rule_(rule), chance_(std::move(chance)), pause_(rule.first) {}
  // The pause before the next try.
  [[nodiscard]] Seconds next();
  // It worked: the next pause is the first one again.
  void start_again() { pause_ = rule_.first; }

 private:
  PauseRule rule_;
  Chance chance_;
  Seconds pause_;
};

}  // namespace fluxmetrics
