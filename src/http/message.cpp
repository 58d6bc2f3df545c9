#include "http/message.hpp"

#include <algorithm>

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include "base/text.hpp"

namespace fluxmetrics::http {
namespace {

// Decodes before it splits at slashes, as Go's servers do: %2F divides segments like a slash, and whoever
// decides about access sees what is served.
bool parse_path(std::string_view path, Target& target) {
  auto decoded = percent_decoded(path);
  if (!decoded) return false;
  target.path = *std::move(decoded);
  std::string_view rest = std::string_view(target.path).substr(1);
  target.segments.reserve(static_cast<std::size_t>(std::ranges::count(rest, '/')) + 1);
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    if (slash == 0) target.empty_segment = true;
    target.segments.emplace_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return true;
}

bool parse_query(std::string_view query, Target& target) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    const auto equals = pair.find('=');
    const auto key = percent_decoded(pair.substr(0, equals), Plus::is_space);
    const auto value = percent_decoded(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), Plus::is_space);
    if (!key || !value) return false;
    if (!pair.empty()) target.query.emplace_back(*key, *value);
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (same_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::string percent_encoded(std::string_view text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

std::optional<std::string> percent_decoded(std::string_view text, Plus plus) {
  const bool spaces = plus == Plus::is_space;
  if (text.find('%') == std::string_view::npos && (!spaces || text.find('+') == std::string_view::npos)) {
    return std::string(text);
  }
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += spaces && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>((*high * 16) + *low);
    i += 2;
  }
  return out;
}

std::optional<std::string_view> Target::query_value(std::string_view key) const {
  for (const auto& [name, value] : query) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::optional<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return std::nullopt;
  target = target.substr(0, target.find('#'));
  const auto question = target.find('?');
  Target parsed;
  if (!parse_path(target.substr(0, question), parsed)) return std::nullopt;
  if (question != std::string_view::npos && !parse_query(target.substr(question + 1), parsed)) {
    return std::nullopt;
  }
  return parsed;
}

}  // namespace fluxmetrics::http
