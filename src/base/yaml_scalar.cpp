#include "base/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <regex>

#include "base/text.hpp"

namespace fluxmetrics {
namespace {

namespace json = boost::json;

constexpr std::string_view long_tag = "tag:yaml.org,2002:";

constexpr std::array<std::string_view, 22> booleans{
    "y", "Y", "yes", "Yes", "YES", "true",  "True",  "TRUE",  "on",  "On",  "ON",
    "n", "N", "no",  "No",  "NO",  "false", "False", "FALSE", "off", "Off", "OFF"};

// The words that stand for a value whatever they look like.
std::optional<json::value> word(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return json::value(nullptr);
  if (const auto* const found = std::ranges::find(booleans, text); found != booleans.end())
    return json::value(found - booleans.begin() < 11);
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::numeric_limits<double>::quiet_NaN();
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == ".inf" || text == ".Inf" || text == ".INF")
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  return std::nullopt;
}

// Whole numbers with Go's prefixes: 0x, 0o, 0b, and 0 alone for octal.
std::optional<json::value> whole_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  const bool has_sign = negative || text.starts_with('+');
  if (has_sign) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = lowered(text[1]);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  std::uint64_t magnitude = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (problem != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (magnitude <= most)
    return negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
  if (negative && magnitude == most + 1) return std::numeric_limits<std::int64_t>::min();
  if (has_sign) return std::nullopt;
  return magnitude;
}

std::optional<double> decimal(const std::string& text) {
  static const std::regex form(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
  if (!std::regex_match(text, form)) return std::nullopt;
  double number = 0;
  const auto* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
  if (std::from_chars(begin, text.data() + text.size(), number).ec == std::errc()) return number;
  // Go makes 0 of what is too small, and a text of what is too large; strtod() can tell the two apart.
  return std::isinf(std::strtod(begin, nullptr)) ? std::nullopt : std::optional(0.0);
}

// Underscores in what begins with a point: Go's own rule for them, only between digits.
bool underscores_between_digits(std::string_view text) {
  const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  for (std::size_t at = text.find('_'); at != std::string_view::npos; at = text.find('_', at + 1))
    if (at == 0 || !digit(at - 1) || !digit(at + 1)) return false;
  return true;
}

json::value untagged(const std::string& text) {
  if (auto known = word(text)) return *std::move(known);
  const char first = text.front();
  const bool number = first == '+' || first == '-' || (first >= '0' && first <= '9');
  if (!number && (first != '.' || !underscores_between_digits(text))) return json::string(text);
  std::string plain = text;
  std::erase(plain, '_');
  if (number) {
    if (auto whole = whole_number(plain)) return *std::move(whole);
  }
  if (const auto real = decimal(plain)) return *real;
  return json::string(text);
}

// The dates that Go takes for !!timestamp: 2001-12-14, with 21:59:43.10 after a blank, or with a T and a
// zone.
bool is_timestamp(const std::string& text) {
  static const std::regex form(
      R"(([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(( |[Tt])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?)");
  std::smatch part;
  if (!std::regex_match(text, part, form)) return false;
  const auto number = [&](std::size_t group) { return static_cast<unsigned>(std::stoul(part[group])); };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(1))),
                                         std::chrono::month(number(2)), std::chrono::day(number(3))};
  if (!date.ok()) return false;
  if (!part[4].matched) return true;
  return number(6) < 24 && number(7) < 60 && number(8) < 60 && (part[5] == " ") != part[10].matched;
}

std::optional<std::string> base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string digits(text);
  std::erase_if(digits, [](char c) { return c == '\n' || c == '\r'; });
  if (digits.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = digits.ends_with("==") ? 2 : digits.ends_with('=') ? 1 : 0;
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : std::string_view(digits).substr(0, digits.size() - padding)) {
    const auto at = alphabet.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<unsigned>(at);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 0xffU);
  }
  return out;
}

// Text that a file made of bytes: JSON has only UTF-8, and Go writes U+FFFD for each byte that is none.
json::string as_utf8(std::string_view bytes) {
  json::string out;
  while (!bytes.empty()) {
    const auto length = utf8_length(bytes);
    out.append(length == 0 ? std::string_view("\xef\xbf\xbd") : bytes.substr(0, length));
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string_view kind_of(const json::value& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "bool";
  if (value.is_string()) return "str";
  return value.is_double() ? "float" : "int";
}

std::unexpected<Error> mismatch(std::string_view kind, const std::string& text) {
  return fail(Code::invalid, "'{}' is not what its tag !!{} says", printable(text, 60), kind);
}

}  // namespace

Result<json::value> resolve_yaml_scalar(std::string_view tag, const std::string& text, bool plain) {
  if (tag.empty()) return plain ? untagged(text) : json::value(json::string(text));
  const auto kind = tag.starts_with(long_tag) ? tag.substr(long_tag.size()) : std::string_view();
  if (kind == "binary") {
    const auto bytes = base64(text);
    if (!bytes) return fail(Code::invalid, "'{}', with the tag !!binary, is not base64", printable(text, 60));
    return json::value(as_utf8(*bytes));
  }
  if (kind == "timestamp")
    return is_timestamp(text) ? Result<json::value>(json::string(text)) : mismatch(kind, text);
  if (kind != "null" && kind != "bool" && kind != "int" && kind != "float")
    return json::value(json::string(text));
  auto value = untagged(text);
  if (kind_of(value) == kind) return value;
  if (kind == "float" && value.is_int64()) return json::value(static_cast<double>(value.get_int64()));
  return mismatch(kind, text);
}

json::value go_number(const json::value& number) {
  if (number.is_uint64()) return go_number(static_cast<double>(number.get_uint64()));
  if (!number.is_double()) return number;
  constexpr double with_exponent = 1e21;
  const double value = number.get_double();
  if (!std::isfinite(value) || value != std::trunc(value) || std::abs(value) >= with_exponent) return number;
  // Go writes the shortest digits that mean this number, and fills up with zeros.
  std::array<char, 32> buffer{};
  const auto* const end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  std::string text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const auto mark = text.find('e');
  const auto digits = static_cast<std::size_t>(std::stoi(text.substr(mark + 1))) + 1;
  text.resize(mark);
  std::erase(text, '.');
  text.resize(digits + (text.starts_with('-') ? 1 : 0), '0');
  std::int64_t whole = 0;
  const auto problem = std::from_chars(text.data(), text.data() + text.size(), whole).ec;
  return problem == std::errc() ? json::value(whole) : number;
}

Result<std::string> yaml_key_text(const json::value& key) {
  if (key.is_string()) return std::string(key.get_string());
  if (key.is_bool()) return std::string(key.get_bool() ? "true" : "false");
  if (key.is_int64()) return std::to_string(key.get_int64());
  if (!key.is_double()) {
    return fail(Code::invalid, "{} cannot be a key, says kubectl: write it in quotes",
                key.is_null() ? "null" : std::to_string(key.get_uint64()));
  }
  const auto value = static_cast<float>(key.get_double());
  if (std::isnan(value)) return std::string(".nan");
  if (std::isinf(value)) return std::string(value > 0 ? ".inf" : "-.inf");
  std::array<char, 64> buffer{};
  const auto written = [&](std::chars_format form) {
    return std::string(buffer.data(),
                       std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form).ptr);
  };
  auto text = written(std::chars_format::scientific);
  const int exponent = std::stoi(text.substr(text.find('e') + 1));
  return exponent < -4 || exponent >= 6 ? text : written(std::chars_format::fixed);
}

}  // namespace fluxmetrics
