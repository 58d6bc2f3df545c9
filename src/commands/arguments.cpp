#include "commands/arguments.hpp"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <system_error>

namespace fluxmetrics::commands {
namespace {

template <class Number>
bool read_all_of(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  return problem == std::errc() && stop == end;
}

}  // namespace

ArgumentCheck whole_number(std::uint64_t lowest, std::uint64_t highest, bool only_what_fits) {
  return [=](const std::string& text) -> std::string {
    std::uint64_t number = 0;
    if (read_all_of(text, number) && number >= lowest && number <= highest) return "";
    std::int64_t low = 0;
    if (only_what_fits && lowest == 1 && read_all_of(text, low) && low <= 0)
      return fmt::format("must be above 0, not {}", text);
    return fmt::format("must be a whole number from {} to {}, not '{}'", lowest, highest, text);
  };
}

ArgumentCheck number_above_zero() {
  return [](const std::string& text) -> std::string {
    double number = 0;
    if (!read_all_of(text, number)) return fmt::format("must be a number above 0, not '{}'", text);
    if (std::isfinite(number) && number > 0) return "";
    return fmt::format("must be above 0, not {}", text);
  };
}

ArgumentCheck not_empty() {
  return [](const std::string& text) -> std::string { return text.empty() ? "must not be empty" : ""; };
}

std::string in_words(std::string_view remark) {
  constexpr std::string_view excludes = " excludes ";
  if (const auto at = remark.find(excludes); at != std::string_view::npos) {
    return fmt::format("{} and {} cannot be combined: give one of them", remark.substr(0, at),
                       remark.substr(at + excludes.size()));
  }
  if (const auto at = remark.find(": 1 required "); at != std::string_view::npos)
    return fmt::format("{} needs a value", remark.substr(0, at));
  constexpr std::string_view not_in = " not in {";
  const auto colon = remark.find(": ");
  const auto list = remark.rfind(not_in);
  if (colon != std::string_view::npos && list != std::string_view::npos && colon + 2 <= list &&
      remark.ends_with('}')) {
    std::string names;
    for (const char c : remark.substr(list + not_in.size(), remark.size() - list - not_in.size() - 1))
      names += c == ',' ? ", " : std::string(1, c);
    return fmt::format("{}: must be one of {}, not '{}'", remark.substr(0, colon), names,
                       remark.substr(colon + 2, list - colon - 2));
  }
  return std::string(remark);
}

}  // namespace fluxmetrics::commands
