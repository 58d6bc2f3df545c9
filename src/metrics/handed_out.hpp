// Which sizes readers may still bring about: what an autoscaler was told it acts on a moment later.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace fluxmetrics::metrics {

struct Reader {
  std::string_view name = {};  // "" is everybody without one
  bool person = false;         // it does not read again and again
};

class HandedOut {
 public:
  // A reader acts on each value within `acts_within` of having got it. Held up, a program may act on its last
  // one later, until it reads again, but no later than `forgotten_after`: it is gone then. A value that a
  // server before this one handed out, before `began`, is not known.
  static constexpr Seconds forgotten_after{120};
  HandedOut(Seconds acts_within, MonoTime began);
  // `now` must not go backwards.
  void record(std::uint32_t value, Reader reader, MonoTime now);
  // The smallest value that is still acted on; 0 = not known: no program has read yet, or what was read
  // before `began` may be acted on; the largest number (sizing::nobody): all programs that read are gone.
  [[nodiscard]] std::uint32_t smallest(MonoTime now) const;
  // Whether there is no reader at all, as far as one can know.
  [[nodiscard]] bool unread(MonoTime now) const;

 private:
  struct Value {
    std::uint32_t value;
    MonoTime last;  // when it was last handed out
  };
  struct ReaderTold {
    bool person = false;
    // Ascending values and times: of those the oldest that still counts is the smallest.
    std::vector<Value> values;
  };
  [[nodiscard]] bool gone(MonoTime last, MonoTime now) const { return now - last > forgotten_after_; }
  // The smallest value that this reader still acts on; nullopt: none.
  [[nodiscard]] std::optional<std::uint32_t> smallest_of(const ReaderTold& told, MonoTime now) const;

  MonoTime::duration acts_within_;
  MonoTime::duration forgotten_after_;
  MonoTime began_;
  MonoTime read_;  // when a program last read
  std::map<std::string, ReaderTold, std::less<>> readers_;
};

}  // namespace fluxmetrics::metrics
