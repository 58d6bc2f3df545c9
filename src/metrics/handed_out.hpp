// Which sizes readers may still bring about: what an autoscaler was told it acts on a moment later.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace fluxmetrics::metrics {

class HandedOut {
 public:
  // A reader acts on each value within `acts_within` of having got it, and on its last one until it reads
  // again, but no longer than `forgotten_after`: it is gone then. A value that a server before this one
  // handed out, before `began`, is not known.
  static constexpr Seconds forgotten_after{120};
  HandedOut(Seconds acts_within, MonoTime began);
  // `reader` is a name; "" is everybody without one. `now` must not go backwards.
  void record(std::uint32_t value, std::string_view reader, MonoTime now);
  // The smallest value that is still acted on; 0 = not known: nobody has read yet, or what was read before
  // `began` may be acted on; the largest number (sizing::nobody): the readers are gone.
  [[nodiscard]] std::uint32_t smallest(MonoTime now) const;
  // Whether there is no reader at all, as far as one can know.
  [[nodiscard]] bool unread(MonoTime now) const;

 private:
  struct Value {
    std::uint32_t value;
    MonoTime last;  // when it was last handed out
  };
  [[nodiscard]] bool gone(MonoTime last, MonoTime now) const { return now - last > forgotten_after_; }
  void make_room(MonoTime now);

  MonoTime::duration acts_within_;
  MonoTime::duration forgotten_after_;
  MonoTime began_;
  // Of each reader, with ascending values and times: of those the oldest that still counts is the smallest.
  std::map<std::string, std::vector<Value>, std::less<>> readers_;
};

}  // namespace fluxmetrics::metrics
