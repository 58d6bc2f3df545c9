// How often a measured value fell into each of some ranges: what Prometheus calls a histogram.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fluxmetrics {

// Adding costs a look at a dozen numbers. Not for several threads at once: copies are handed over instead.
class Histogram {
 public:
  // `bounds`: the upper end of each range, ascending, of static lifetime. What is above the last one is in a
  // range of its own.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

  // What another one counted, in the same ranges and one above the last: nothing is taken of other ones.
  void add(std::span<const std::uint64_t> counts, double sum) {
    if (counts.size() != counts_.size()) return;
    for (std::size_t range = 0; range < counts_.size(); ++range)
      counts_[range] += counts[range];
    sum_ += sum;
  }
  void add(double value) {
    std::size_t range = 0;
    while (range < bounds_.size() && value > bounds_[range])
      ++range;
    ++counts_[range];
    sum_ += value;
  }

  [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
  // One number for each range, the one without an end last; they do not include each other.
  [[nodiscard]] std::span<const std::uint64_t> counts() const { return counts_; }
  [[nodiscard]] double sum() const { return sum_; }
  // Not the default: a span has no equality.
  friend bool operator==(const Histogram& a, const Histogram& b) {
    return std::ranges::equal(a.bounds_, b.bounds_) && a.counts_ == b.counts_ && a.sum_ == b.sum_;
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t total = 0;
    for (const auto number : counts_)
      total += number;
    return total;
  }

 private:
  std::span<const double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

}  // namespace fluxmetrics
