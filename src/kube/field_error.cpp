#include "kube/field_error.hpp"

#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace fluxmetrics::kube {
namespace {

std::string with_reason(std::string text, std::string_view why) {
  return why.empty() ? std::move(text) : fmt::format("{}: {}", text, why);
}

// The code point of a sequence of valid UTF-8.
char32_t code_point(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  char32_t point = sequence.size() == 1 ? first : first & (0xFFU >> (sequence.size() + 1));
  for (std::size_t i = 1; i < sequence.size(); ++i)
    point = (point << 6U) | (static_cast<unsigned char>(sequence[i]) & 0x3FU);
  return point;
}

// Characters that Go does not print: controls, formats, spaces other than the common one, private ones. The
// ranges are the well-known ones, not all of Unicode's tables.
bool is_printed(char32_t point) {
  if (point < 0x20 || (point >= 0x7F && point <= 0xA0) || point == 0xAD) return false;
  if (point == 0x1680 || point == 0x180E || point == 0x3000 || point == 0xFEFF) return false;
  if ((point >= 0x2000 && point <= 0x200F) || (point >= 0x2028 && point <= 0x202F)) return false;
  if (point >= 0x205F && point <= 0x206F) return false;
  return (point < 0xD800 || point > 0xF8FF) && point < 0xE0000;
}

void append_escaped(std::string& out, char32_t point, std::string_view sequence) {
  switch (point) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  const auto number = static_cast<std::uint32_t>(point);
  if (is_printed(point)) {
    out += sequence;
  } else if (number < 0x80) {
    out += fmt::format("\\x{:02x}", number);
  } else {
    out += number < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
  }
}

}  // namespace

std::string FieldError::text() const {
  return field.empty() ? reason : fmt::format("{}: {}", field, reason);
}

void FieldErrors::invalid(std::string field, std::string_view value, std::string_view why) {
  list_.push_back({std::move(field), with_reason(fmt::format("Invalid value: {}", value), why)});
}
void FieldErrors::required(std::string field, std::string_view why) {
  list_.push_back({std::move(field), with_reason("Required value", why)});
}
void FieldErrors::forbidden(std::string field, std::string_view why) {
  list_.push_back({std::move(field), with_reason("Forbidden", why)});
}
void FieldErrors::unsupported(std::string field, std::string_view value,
                              std::span<const std::string_view> supported) {
  std::vector<std::string> quoted;
  for (const auto one : supported)
    quoted.push_back(go_quoted(one));
  list_.push_back({std::move(field), fmt::format("Unsupported value: {}: supported values: {}", value,
                                                 fmt::join(quoted, ", "))});
}
void FieldErrors::too_long(std::string field, std::size_t most_bytes) {
  list_.push_back({std::move(field), fmt::format("Too long: may not be more than {} bytes", most_bytes)});
}

std::string go_json_quoted(std::string_view text) {
  std::string out;
  for (const char c : boost::json::serialize(boost::json::value(boost::json::string(text)))) {
    if (c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const auto sequence = text.substr(0, length);
    append_escaped(out, code_point(sequence), sequence);
    text.remove_prefix(length);
  }
  return out + "\"";
}

}  // namespace fluxmetrics::kube
