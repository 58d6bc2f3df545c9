// The controller's numbers to the last bit: Go's conversions of floats on amd64, and 32- and 64-bit sums that
// wrap.
#pragma once

#include <cstdint>
#include <limits>

namespace fluxmetrics::hpa {

// Towards zero; what does not fit, and NaN, becomes the smallest number.
[[nodiscard]] inline std::int32_t to_int32(double number) {
  const bool fits = number > -2147483649.0 && number < 2147483648.0;
  return fits ? static_cast<std::int32_t>(number) : std::numeric_limits<std::int32_t>::min();
}

[[nodiscard]] inline std::int64_t to_int64(double number) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  const bool fits = number >= -limit && number < limit;
  return fits ? static_cast<std::int64_t>(number) : std::numeric_limits<std::int64_t>::min();
}

[[nodiscard]] inline std::int64_t wrap_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

[[nodiscard]] inline std::int64_t wrap_multiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

// Towards zero; `by` is not 0.
[[nodiscard]] inline std::int64_t wrap_divide(std::int64_t a, std::int64_t by) {
  return by == -1 ? wrap_multiply(a, -1) : a / by;
}

// The lowest 32 bits, as Go converts between integers.
[[nodiscard]] inline std::int32_t wrap_int32(std::int64_t number) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(number)));
}

}  // namespace fluxmetrics::hpa
