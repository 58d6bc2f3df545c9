// Sums and products of counts that other people choose: they stop at the largest number instead of wrapping
// round.
#pragma once

#include <cstdint>
#include <limits>

namespace fluxmetrics::sizing {

inline constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();

[[nodiscard]] constexpr std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  return a > huge - b ? huge : a + b;
}

[[nodiscard]] constexpr std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  return a != 0 && b > huge / a ? huge : a * b;
}

[[nodiscard]] constexpr std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) {
  return a / b + (a % b == 0 ? 0 : 1);
}

}  // namespace fluxmetrics::sizing
