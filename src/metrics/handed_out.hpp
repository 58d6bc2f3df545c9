// Which sizes readers may still bring about: what an autoscaler was told it acts on a moment later.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.hpp"

namespace fluxmetrics::metrics {

class HandedOut {
 public:
  // A reader acts on a value within `acts_within` of having got it, or on the last one. A value that was
  // handed out before `began`, by a server that ran before this one, is not known.
  HandedOut(Seconds acts_within, MonoTime began);
  // `now` must not go backwards.
  void record(std::uint32_t value, MonoTime now);
  // The smallest value that is still acted on; 0 = not known: nobody has read yet, or what was read before
  // `began` may be acted on.
  [[nodiscard]] std::uint32_t smallest(MonoTime now) const;
  // Whether there is no reader at all, as far as one can know.
  [[nodiscard]] bool unread(MonoTime now) const;

 private:
  struct Value {
    std::uint32_t value;
    MonoTime last;  // when it was last handed out
  };
  MonoTime::duration acts_within_;
  MonoTime known_from_;
  std::deque<Value> values_;  // ascending values and times: of those the oldest that still counts is smallest
};

}  // namespace fluxmetrics::metrics
