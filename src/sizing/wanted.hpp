// node_wanted_count: the one number of sizing that has memory (hold).
#pragma once

#include <cstdint>
#include <deque>

#include "base/clock.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::sizing {

class WantedSize {
 public:
  explicit WantedSize(SizePolicy policy) : policy_(policy) {}
  // Feeds one evaluation; `now` must not go backwards. Returns node_wanted_count:
  // min(size, max(sliding maximum of demand.target over the last `hold`, safe_min)) within the policy's min
  // and max.
  std::uint32_t update(const Demand& demand, std::uint32_t size, MonoTime now);

 private:
  struct Point {
    MonoTime until;  // when the value leaves the window, once a newer one has come
    std::uint32_t value;
  };
  SizePolicy policy_;
  std::deque<Point> window_;  // descending values: a sliding maximum in O(1) per update
};

}  // namespace fluxmetrics::sizing
