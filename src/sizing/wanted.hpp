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
  // What a size was chosen for is forgotten by a start: until `until` no less than `size`, the size in
  // effect, is wanted. Several sizes with the same `until`: the largest.
  void keep(std::uint32_t size, MonoTime until);
  // Of the last update: as many of the lowest ranks as should take jobs. It leaves out what merely runs
  // elsewhere (safe_min), so that ranks beyond it can be drained and become empty.
  [[nodiscard]] std::uint32_t need() const { return need_; }

 private:
  struct Point {
    MonoTime until;  // when the value leaves the window, once a newer one has come
    std::uint32_t value;
  };
  SizePolicy policy_;
  std::uint32_t need_ = 0;
  std::uint32_t kept_ = 0;
  MonoTime kept_until_;
  std::deque<Point> window_;  // descending values: a sliding maximum in O(1) per update
};

}  // namespace fluxmetrics::sizing
