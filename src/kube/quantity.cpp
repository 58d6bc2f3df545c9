#include "kube/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <boost/multiprecision/cpp_int.hpp>

namespace fluxmetrics::kube {
namespace {

using Integer = boost::multiprecision::cpp_int;

constexpr std::string_view wrong_format =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view wrong_suffix = "unable to parse quantity's suffix";
constexpr std::string_view wrong_number = "unable to parse numeric part of quantity";

// The largest number whose thousandths an int64 still holds, with room to spare.
constexpr double largest = 9e15;

// Beyond this many decimal places a number is nothing or far too large anyway.
constexpr int most_places = 400;

struct Scale {
  int base = 10;     // 10 or 1024
  int exponent = 0;  // of the base
};

std::optional<Scale> parse_suffix(std::string_view suffix) {
  struct Named {
    std::string_view name;
    Scale scale;
  };
  static constexpr std::array<Named, 16> named = {{{"", {10, 0}},
                                                   {"n", {10, -9}},
                                                   {"u", {10, -6}},
                                                   {"m", {10, -3}},
                                                   {"k", {10, 3}},
                                                   {"M", {10, 6}},
                                                   {"G", {10, 9}},
                                                   {"T", {10, 12}},
                                                   {"P", {10, 15}},
                                                   {"E", {10, 18}},
                                                   {"Ki", {1024, 1}},
                                                   {"Mi", {1024, 2}},
                                                   {"Gi", {1024, 3}},
                                                   {"Ti", {1024, 4}},
                                                   {"Pi", {1024, 5}},
                                                   {"Ei", {1024, 6}}}};
  for (const auto& entry : named) {
    if (entry.name == suffix) return entry.scale;
  }
  if (suffix.empty() || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  auto digits = suffix.substr(1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Scale{.base = 10, .exponent = exponent};
}

// The parts of "-12.5Mi": sign, digits before and after the point, suffix.
struct Parts {
  bool negative = false;
  std::string digits;
  int fraction_digits = 0;
  std::string_view suffix;
};

std::size_t count_of(std::string_view text, std::string_view characters) {
  const auto end = text.find_first_not_of(characters);
  return end == std::string_view::npos ? text.size() : end;
}

Result<Parts> split(std::string_view text) {
  static constexpr std::string_view decimal = "0123456789";
  Parts parts;
  if (text.empty()) return fail(Code::invalid, "{}", wrong_format);
  if (text[0] == '-' || text[0] == '+') {
    parts.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const auto whole = count_of(text, decimal);
  parts.digits = text.substr(0, whole);
  text.remove_prefix(whole);
  bool point = false;
  if (text.starts_with('.')) {
    point = true;
    text.remove_prefix(1);
    const auto fraction = count_of(text, decimal);
    parts.digits += text.substr(0, fraction);
    parts.fraction_digits = static_cast<int>(fraction);
    text.remove_prefix(fraction);
  }
  auto suffix = count_of(text, "eEinumkKMGTP");
  if (suffix < text.size() && (text[suffix] == '-' || text[suffix] == '+')) ++suffix;
  suffix += count_of(text.substr(suffix), decimal);
  if (suffix != text.size() || (parts.digits.empty() && !point))
    return fail(Code::invalid, "{}", wrong_format);
  if (parts.digits.empty()) return fail(Code::invalid, "{}", wrong_number);
  parts.suffix = text;
  return parts;
}

}  // namespace

std::string format_milli(std::int64_t milli) {
  if (milli == 0) return "0";
  int exponent = -3;
  while (milli % 10 == 0) {
    milli /= 10;
    ++exponent;
  }
  while (exponent % 3 != 0) {
    milli *= 10;
    --exponent;
  }
  static constexpr std::array<std::string_view, 8> suffixes = {"m", "", "k", "M", "G", "T", "P", "E"};
  return fmt::format("{}{}", milli, suffixes.at(static_cast<std::size_t>(exponent / 3) + 1));
}

Result<std::string> format_quantity(double value) {
  if (!std::isfinite(value))
    return fail(Code::internal, "{} is not a number that Kubernetes could use", value);
  value = std::clamp(value, -largest, largest);
  // Whole numbers stay exact; times 1000 they might not be a double.
  if (value == std::trunc(value)) return format_milli(static_cast<std::int64_t>(value) * 1000);
  return format_milli(std::llround(value * 1000));
}

Result<std::int64_t> parse_milli(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::unexpected(parts.error());
  const auto scale = parse_suffix(parts->suffix);
  if (!scale) return fail(Code::invalid, "{}", wrong_suffix);
  const auto nonzero = parts->digits.find_first_not_of('0');
  if (nonzero == std::string::npos) return 0;
  if (parts->digits.size() > most_places || std::abs(scale->exponent) > most_places) {
    return fail(Code::invalid, "the quantity '{}' is out of range", text);
  }
  const Integer digits(parts->digits.substr(nonzero));
  const auto power = [](int base, int exponent) -> Integer {
    return boost::multiprecision::pow(Integer(base), static_cast<unsigned>(std::max(exponent, 0)));
  };
  const Integer above = digits * power(scale->base, scale->exponent) * 1000;
  const Integer below = power(10, parts->fraction_digits) * power(scale->base, -scale->exponent);
  const Integer milli = (above + below - 1) / below;  // away from zero
  if (milli > std::numeric_limits<std::int64_t>::max()) {
    return fail(Code::invalid, "the quantity '{}' has more thousandths than an HPA can count", text);
  }
  const auto result = static_cast<std::int64_t>(milli);
  return parts->negative ? -result : result;
}

}  // namespace fluxmetrics::kube
