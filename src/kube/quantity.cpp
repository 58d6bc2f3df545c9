#include "kube/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <boost/multiprecision/cpp_int.hpp>

#include "base/text.hpp"

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

struct SuffixScale {
  int base = 10;     // 10 or 1024
  int exponent = 0;  // of the base
};

std::optional<SuffixScale> parse_suffix(std::string_view suffix) {
  struct Named {
    std::string_view name;
    SuffixScale scale;
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
  return SuffixScale{.base = 10, .exponent = exponent};
}

// The parts of "-12.5Mi": sign, digits before and after the point, suffix. There may be no digits at all.
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
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const auto fraction = count_of(text, decimal);
    parts.digits += text.substr(0, fraction);
    parts.fraction_digits = static_cast<int>(fraction);
    text.remove_prefix(fraction);
  }
  auto suffix = count_of(text, "eEinumkKMGTP");
  if (suffix < text.size() && (text[suffix] == '-' || text[suffix] == '+')) ++suffix;
  suffix += count_of(text.substr(suffix), decimal);
  if (suffix != text.size()) return fail(Code::invalid, "{}", wrong_format);
  parts.suffix = text;
  return parts;
}

Integer power_of(int base, int exponent) {
  return boost::multiprecision::pow(Integer(base), static_cast<unsigned>(std::max(exponent, 0)));
}

// What is left of a number of any size when it is stored in 64 bits.
std::int64_t low_bits(const Integer& number) {
  const Integer magnitude = boost::multiprecision::abs(number) & std::numeric_limits<std::uint64_t>::max();
  const auto bits = static_cast<std::uint64_t>(magnitude);
  return static_cast<std::int64_t>(number < 0 ? 0U - bits : bits);
}

// A quantity as the Go library holds it: small ones as value x 10^scale, others as a decimal of any size with
// `places` digits behind the point.
struct Amount {
  bool small = true;
  std::int64_t value = 0;
  int scale = 0;
  Integer unscaled = {};
  int places = 0;
};

constexpr int smallest_scale = -9;  // nano
constexpr int small_digits = 18;

// The number fits the small form, or nullopt.
std::optional<Amount> small_amount(const Parts& parts, const SuffixScale& scale, int digits) {
  if (scale.base == 10) {
    const int exponent = scale.exponent - parts.fraction_digits;
    if (digits > small_digits || exponent < smallest_scale) return std::nullopt;
    const auto value = static_cast<std::int64_t>(Integer(parts.digits));
    return Amount{.value = parts.negative ? -value : value, .scale = exponent};
  }
  const int bits = scale.exponent * 10;
  if (parts.fraction_digits > 0 || 15 - digits - (bits * 3 / 10) - 1 < 0) return std::nullopt;
  const Integer value = Integer(parts.digits) << static_cast<unsigned>(bits);
  if (value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  const auto small = static_cast<std::int64_t>(value);
  return Amount{.value = parts.negative ? -small : small, .scale = 0};
}

Amount large_amount(const Parts& parts, const SuffixScale& scale) {
  Amount amount{.small = false, .unscaled = Integer(parts.digits)};
  if (amount.unscaled == 0) return amount;
  amount.places = parts.fraction_digits;
  if (scale.base == 10) {
    amount.places -= scale.exponent;
  } else {
    amount.unscaled <<= static_cast<unsigned>(scale.exponent * 10);
  }
  constexpr int kept = -smallest_scale;
  if (amount.places <= kept) {
    amount.unscaled *= power_of(10, kept - amount.places);
  } else {
    const Integer divisor = power_of(10, amount.places - kept);
    amount.unscaled = (amount.unscaled + divisor - 1) / divisor;
  }
  amount.places = kept;
  const Integer most = std::numeric_limits<std::int64_t>::max();
  if (scale.base != 10 && amount.unscaled > most * power_of(10, kept)) {
    amount.unscaled = most;
    amount.places = 0;
  }
  if (parts.negative) amount.unscaled = -amount.unscaled;
  return amount;
}

// Numbers of nothing but zeros are 0 whatever else is written.
Result<Amount> parse_amount(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::unexpected(parts.error());
  const auto scale = parse_suffix(parts->suffix);
  if (!scale) return fail(Code::invalid, "{}", wrong_suffix);
  auto stripped = *parts;
  const auto whole = stripped.digits.size() - static_cast<std::size_t>(stripped.fraction_digits);
  const auto zeros = std::min(count_of(stripped.digits, "0"), whole);
  // A leading 0 would make the number an octal one.
  stripped.digits.erase(0, count_of(stripped.digits, "0"));
  if (stripped.digits.empty()) return Amount{};
  if (stripped.digits.size() > most_places || std::abs(scale->exponent) > most_places) {
    return fail(Code::invalid, "the quantity '{}' is out of range", text);
  }
  const int digits = static_cast<int>(std::max<std::size_t>(whole - zeros, 1)) + parts->fraction_digits;
  if (auto small = small_amount(stripped, *scale, digits)) return *small;
  return large_amount(stripped, *scale);
}

// value x 10^scale in 64 bits. Where Go's library checks for overflow it answers 0, elsewhere it wraps.
std::int64_t scaled_up(std::int64_t value, int scale) {
  const Integer product = Integer(value) * power_of(10, scale);
  const bool fits = product <= std::numeric_limits<std::int64_t>::max() &&
                    product >= std::numeric_limits<std::int64_t>::min();
  const bool wraps = scale <= 3 || scale == 6 || scale == 9;
  return fits || wraps ? low_bits(product) : 0;
}

// Away from zero.
std::int64_t scaled_down(std::int64_t value, int scale) {
  if (scale > small_digits) return value > 0 ? 1 : -1;
  const auto divisor = static_cast<std::int64_t>(power_of(10, scale));
  const auto rest = value % divisor;
  return (value / divisor) + (rest > 0 ? 1 : 0) - (rest < 0 ? 1 : 0);
}

std::int64_t milli_of(const Amount& amount) {
  constexpr int milli = -3;
  if (amount.small) {
    if (amount.value == 0) return 0;
    return amount.scale >= milli ? scaled_up(amount.value, amount.scale - milli)
                                 : scaled_down(amount.value, milli - amount.scale);
  }
  if (amount.places < -milli) return low_bits(amount.unscaled * power_of(10, -milli - amount.places));
  const Integer divisor = power_of(10, amount.places + milli);
  // Go rounds towards zero and then up, where it can count in 64 bits; else down and then up.
  if (amount.unscaled < std::numeric_limits<std::int64_t>::max()) {
    const auto number = low_bits(amount.unscaled);
    const auto by = static_cast<std::int64_t>(divisor);
    return (number / by) + (number % by != 0 ? 1 : 0);
  }
  return low_bits((amount.unscaled + divisor - 1) / divisor);
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
  // Go takes "-", "." and "m" for 0; here nobody means that.
  if (parts->digits.empty())
    return fail(Code::invalid, "{}", text.contains('.') ? wrong_number : wrong_format);
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

Result<std::int64_t> parse_milli_wrapping(std::string_view text) {
  const auto amount = parse_amount(text);
  if (!amount) return std::unexpected(amount.error());
  return milli_of(*amount);
}

namespace {

// The server keeps the text of what looks canonical at a glance.
bool kept_as_written(const Parts& parts, const SuffixScale& scale) {
  const auto whole = parts.digits.size() - static_cast<std::size_t>(parts.fraction_digits);
  auto number = parts.digits.substr(0, whole);
  number.erase(0, count_of(number, "0"));
  if (number.empty()) number = "0";
  number += parts.digits.substr(whole);
  if (scale.base != 10) return (Integer(number) & 7) != 0;
  return (scale.exponent - parts.fraction_digits) % 3 == 0 && !number.ends_with("000") && number[0] != '0';
}

// value x 10^exponent of a binary suffix, by the largest of these that divides it; "" for what is small or
// broken.
std::string binary_text(const Integer& value, int exponent) {
  static constexpr std::array<std::string_view, 7> suffixes = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  if (exponent < 0) return "";
  Integer whole = value * power_of(10, exponent);
  if (boost::multiprecision::abs(whole) < 1024) return "";
  std::size_t times = 0;
  for (; whole % 1024 == 0 && times + 1 < suffixes.size(); ++times)
    whole /= 1024;
  return whole.str() + std::string(suffixes.at(times));
}

std::string decimal_text(Integer value, int exponent, bool by_exponent) {
  static constexpr std::array<std::string_view, 10> suffixes = {"n", "u", "m", "",  "k",
                                                                "M", "G", "T", "P", "E"};
  while (exponent % 3 != 0) {
    value *= 10;
    --exponent;
  }
  if (by_exponent) return value.str() + (exponent == 0 ? "" : fmt::format("e{}", exponent));
  const auto index = (exponent / 3) + 3;
  const bool named = index >= 0 && index < static_cast<int>(suffixes.size());
  return value.str() + std::string(named ? suffixes.at(static_cast<std::size_t>(index)) : "");
}

}  // namespace

Result<CanonicalQuantity> canonical_quantity(std::string_view text) {
  const auto amount = parse_amount(text);
  if (!amount) return std::unexpected(amount.error());
  Integer digits = amount->small ? Integer(amount->value) : amount->unscaled;
  int exponent = amount->small ? amount->scale : -amount->places;
  if (digits == 0) return CanonicalQuantity{.text = "0"};
  const int sign = digits < 0 ? -1 : 1;
  const auto parts = split(text);
  const auto scale = parse_suffix(parts->suffix);
  if (amount->small && kept_as_written(*parts, *scale))
    return CanonicalQuantity{.text = std::string(text), .sign = sign};
  while (digits % 10 == 0) {
    digits /= 10;
    ++exponent;
  }
  auto shown = scale->base == 10 ? std::string() : binary_text(digits, exponent);
  const bool by_exponent = scale->base == 10 && parts->suffix.size() > 1 && lowered(parts->suffix[0]) == 'e';
  if (shown.empty()) shown = decimal_text(digits, exponent, by_exponent);
  return CanonicalQuantity{.text = std::move(shown), .sign = sign};
}

Result<double> parse_approximate(std::string_view text) {
  const auto amount = parse_amount(text);
  if (!amount) return std::unexpected(amount.error());
  Integer digits = amount->small ? Integer(amount->value) : amount->unscaled;
  int exponent = amount->small ? amount->scale : -amount->places;
  if (digits == 0) return 0.0;
  while (digits % 10 == 0) {
    digits /= 10;
    ++exponent;
  }
  while (exponent % 3 != 0) {
    digits *= 10;
    --exponent;
  }
  const auto base = digits.convert_to<double>();
  if (exponent == 0) return base;
  // A power of ten that is exact, or the quotient of two that are.
  const double power = exponent > 0 ? std::pow(10.0, exponent) : 1.0 / std::pow(10.0, -exponent);
  return base * power;
}

}  // namespace fluxmetrics::kube
