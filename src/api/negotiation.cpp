#include "api/negotiation.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxmetrics::api {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// One media range of an Accept header.
struct Clause {
  std::string type;
  double quality = 1;
  bool converts = false;  // asks for another form of the object (as=Table, g=..., v=...)
  bool pretty = false;
};

Clause parse_clause(std::string_view text) {
  const auto parts = split(text, ';');
  Clause clause;
  std::ranges::transform(parts[0], std::back_inserter(clause.type),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const auto& parameter : std::span(parts).subspan(1)) {
    const auto equals = parameter.find('=');
    const auto key = parameter.substr(0, equals);
    const auto value = equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
    if (key == "q") std::from_chars(value.data(), value.data() + value.size(), clause.quality);
    if (key == "as" || key == "g" || key == "v") clause.converts = true;
    if (key == "pretty") clause.pretty = value == "1";
  }
  return clause;
}

bool is_json(const Clause& clause) {
  return clause.quality > 0 &&
         (clause.type == "application/json" || clause.type == "application/*" || clause.type == "*/*");
}

// Go's strconv.ParseBool: everything else is false.
bool is_true(std::string_view text) {
  static constexpr std::array<std::string_view, 6> words = {"1", "t", "T", "true", "TRUE", "True"};
  return std::ranges::find(words, text) != words.end();
}

bool wants_pretty(const http::Headers& headers, const http::Target& target) {
  if (const auto asked = target.query_value("pretty"); asked && !asked->empty()) return is_true(*asked);
  return prefers_pretty(headers);
}

kube::Status not_acceptable(bool only_conversions) {
  if (only_conversions) {
    return {.code = 406,
            .reason = "NotAcceptable",
            .message = "only the following media types are accepted: application/json"};
  }
  return {.code = 406,
          .reason = "NotAcceptable",
          .message = "406: Not Acceptable\n\nAvailable representations: application/json",
          .empty_details = true};
}

}  // namespace

bool prefers_pretty(const http::Headers& headers) {
  const auto agent = http::find_header(headers, "User-Agent").value_or("");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

Negotiated negotiate(const http::Headers& headers, const http::Target& target) {
  Negotiated result;
  if (wants_pretty(headers, target)) result.layout = kube::Layout::pretty;
  const auto accept = http::find_header(headers, "Accept");
  if (!accept || trimmed(*accept).empty()) return result;

  bool conversions = false;
  const Clause* best = nullptr;
  std::vector<Clause> clauses;
  for (const auto& text : split(*accept, ','))
    clauses.push_back(parse_clause(text));
  for (const auto& clause : clauses) {
    if (!is_json(clause)) continue;
    conversions = conversions || clause.converts;
    if (!clause.converts && (best == nullptr || clause.quality > best->quality)) best = &clause;
  }
  if (best == nullptr) {
    result.layout = kube::Layout::pretty;
    result.refusal = not_acceptable(conversions);
  } else if (best->pretty) {
    result.layout = kube::Layout::pretty;
  }
  return result;
}

}  // namespace fluxmetrics::api
