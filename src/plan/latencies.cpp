#include "plan/latencies.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace fluxmetrics::plan {
namespace {

// The quantiles 0, 0.05, ... 1 in seconds.
using Quantiles = std::array<double, 21>;
constexpr Quantiles add_one{28.3, 28.4, 28.5, 28.5, 28.6, 28.7, 31.4, 31.5, 31.5, 31.5, 31.6,
                            31.6, 31.6, 31.7, 31.8, 34.5, 34.6, 34.7, 37.3, 37.8, 233.5};
constexpr Quantiles add_two{28.4, 28.7, 31.5, 31.5, 31.6, 31.6, 31.7, 31.7, 31.7, 31.7, 31.8,
                            31.9, 32.2, 34.5, 34.6, 34.7, 34.7, 34.8, 35.2, 40.9, 273.6};
constexpr Quantiles add_ten{31.7, 34.7, 37.3, 37.6, 37.8, 37.8, 39.8, 40.7, 40.8, 40.9, 40.9,
                            41.1, 43.7, 43.8, 44.6, 46.9, 47.3, 50.1, 56.7, 68.4, 170.4};
constexpr Quantiles remove_one{49.8, 86.5, 89.5, 89.5,  89.6,  89.6,  89.6,  89.7,  89.8,  92.5, 92.6,
                               92.7, 92.8, 95.7, 117.1, 120.1, 120.3, 123.2, 150.8, 209.7, 242.5};
constexpr Quantiles remove_two{89.6,  92.7,  95.6,  95.7,  95.7,  95.7,  95.8,  96.1,  98.7,  98.8, 101.8,
                               108.2, 120.0, 120.3, 123.1, 123.3, 126.3, 130.5, 205.8, 209.5, 249.6};

double at(const Quantiles& table, double quantile) {
  const double place = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(table.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), table.size() - 2);
  const double part = place - static_cast<double>(below);
  return table[below] + ((table[below + 1] - table[below]) * part);
}

}  // namespace

double add_seconds(std::uint32_t count, double quantile) {
  if (count <= 1) return at(add_one, quantile);
  if (count == 2) return at(add_two, quantile);
  const double ten = at(add_ten, quantile);
  const double part = std::log(count / 2.0) / std::log(10.0 / 2.0);
  if (part < 1) {
    const double two = at(add_two, quantile);
    return two + ((ten - two) * part);
  }
  // Above ten every quantile grows as the median did from two to ten; the tails of the tables cross.
  const double growth = (at(add_ten, 0.5) / at(add_two, 0.5)) - 1;
  return ten * (1 + (growth * (part - 1)));
}

double remove_seconds(std::uint32_t count, double quantile) {
  return at(count <= 1 ? remove_one : remove_two, quantile);
}

double median_come_seconds() {
  return add_seconds(1, 0.5) + ((least_join_seconds + most_join_seconds) / 2);
}

double median_go_seconds() {
  return remove_seconds(1, 0.5);
}

}  // namespace fluxmetrics::plan
