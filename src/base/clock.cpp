#include "base/clock.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/chrono.h>
#include <utility>

namespace fluxmetrics {

WallTime from_unix(double seconds) {
  constexpr double last = 9e9;  // what nanoseconds in 64 bits still hold
  return WallTime(std::chrono::duration_cast<WallTime::duration>(Seconds(std::clamp(seconds, 0.0, last))));
}

double to_unix(WallTime time) {
  return std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count();
}

std::string format_rfc3339(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::floor<std::chrono::seconds>(time)));
}

Result<Seconds> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 4> units{
      {{"ms", 1e-3}, {"s", 1.0}, {"m", 60.0}, {"h", 3600.0}}};
  const auto bad = [&] {
    return fail(Code::invalid, "duration '{}' is not understood: write it as 60s, 250ms, 1.5m or 1h30m",
                text);
  };
  if (text.empty()) return bad();
  double total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || std::signbit(number) || !std::isfinite(number)) return bad();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const bool bare_number = rest.empty() && total == 0;
    bool known = bare_number;
    if (bare_number) total = number;
    for (const auto& [unit, scale] : units) {
      if (known || !rest.starts_with(unit)) continue;
      total += number * scale;
      rest.remove_prefix(unit.size());
      known = true;
    }
    if (!known) return bad();
  }
  // Beyond a century something is mistyped, and clocks overflow.
  if (total > 100.0 * 365 * 86400) return bad();
  return Seconds(total);
}

}  // namespace fluxmetrics
