#include "base/rfc3339.hpp"

#include <charconv>

namespace fluxmetrics {

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  // 2026-11-22T03:50:27, and then what is left to be looked at.
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (form[i] == 'd' ? !digit : form[i] != text[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + length, value);
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  // WallTime counts nanoseconds in 64 bits: from 1677 to 2262.
  const bool counted = number(0, 4) >= 1678 && number(0, 4) <= 2261;
  if (!counted || !day.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60)
    return std::nullopt;
  auto time = std::chrono::sys_days(day) + std::chrono::hours(number(11, 2)) +
              std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2));
  auto rest = text.substr(form.size());
  Seconds fraction{0};
  if (rest[0] == '.') {
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc{} || value >= 1) return std::nullopt;
    fraction = Seconds(value);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  }
  if (rest != "Z" && rest != "z") {
    constexpr std::size_t offset_size = 6;  // +01:00
    const bool offset = rest.size() == offset_size && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':' &&
                        rest.find_first_not_of("0123456789", 1) == 3 &&
                        rest.find_first_not_of("0123456789", 4) == std::string_view::npos;
    if (!offset) return std::nullopt;
    const auto from = text.size() - offset_size;
    const auto east = std::chrono::hours(number(from + 1, 2)) + std::chrono::minutes(number(from + 4, 2));
    time += rest[0] == '+' ? -east : east;
  }
  return time + std::chrono::duration_cast<WallTime::duration>(fraction);
}

}  // namespace fluxmetrics
