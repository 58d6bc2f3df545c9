// Virtual time: what is due when, in an order that depends on nothing but the calls made.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

namespace fluxmetrics::simulate {

// Seconds since 1970, as Flux writes them.
using Time = double;

class TimerQueue {
 public:
  using Id = std::uint64_t;  // never 0
  using Action = std::function<void()>;

  explicit TimerQueue(Time start) : now_(start) {}

  [[nodiscard]] Time now() const { return now_; }
  // Runs `action` once `delay` seconds have passed; equal times run in the order of the calls.
  Id after(double delay, Action action);
  // An id that ran already, or 0, is fine.
  void cancel(Id id);
  [[nodiscard]] std::optional<Time> next_due() const;
  // Runs everything that is due up to `time`, each with now() at its own time, and leaves now() at `time`.
  // A `time` in the past changes nothing.
  void advance(Time time);

 private:
  using Key = std::pair<Time, Id>;
  Time now_;
  Id last_id_ = 0;
  std::map<Key, Action> actions_;
  std::unordered_map<Id, Time> times_;
};

}  // namespace fluxmetrics::simulate
