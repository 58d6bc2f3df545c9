#include "api/negotiation.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>
#include <string>
#include <vector>

#include "http/preferences.hpp"

namespace fluxmetrics::api {
namespace {

using kube::Format;

constexpr std::array all_formats = {Format::json, Format::yaml, Format::protobuf};

// Wildcards come after what is concrete.
int rank(const http::Preference& clause) {
  return clause.value == "*/*" ? 2 : static_cast<int>(clause.value.ends_with("/*"));
}

// The clauses of an Accept header in the order in which they are tried: by quality, then concrete ones first.
std::vector<http::Preference> parse_accept(std::string_view header) {
  auto clauses = http::parse_preferences(header);
  std::erase_if(clauses, [](const auto& clause) { return clause.quality <= 0; });
  std::ranges::stable_sort(clauses, [](const auto& a, const auto& b) {
    return a.quality != b.quality ? a.quality > b.quality : rank(a) < rank(b);
  });
  return clauses;
}

// Whether it asks for another form of the object: as=Table;v=v1;g=meta.k8s.io.
bool converts(const http::Preference& clause) {
  return std::ranges::any_of(clause.parameters, [](const auto& parameter) {
    return parameter.first == "as" || parameter.first == "v" || parameter.first == "g";
  });
}

// "v2" or "v2beta1" when the clause asks for aggregated discovery, else "".
std::string_view aggregated_version(const http::Preference& clause) {
  const bool asks =
      clause.parameter("as") == "apigroupdiscoverylist" && clause.parameter("g") == "apidiscovery.k8s.io";
  if (asks && clause.parameter("v") == "v2") return "v2";
  return asks && clause.parameter("v") == "v2beta1" ? "v2beta1" : "";
}

// The first of `formats` that the clause's type covers.
std::optional<Format> covered(const http::Preference& clause, std::span<const Format> formats) {
  for (const auto format : formats) {
    if (clause.value == "*/*" || clause.value == "application/*" || clause.value == media_type(format))
      return format;
  }
  return std::nullopt;
}

struct Choice {
  std::optional<Format> format = {};
  bool pretty = false;
  std::string_view aggregated = {};
  bool only_parameters = false;  // a type would have done, were it not for what it is asked to become
};

Choice choose(const std::vector<http::Preference>& clauses, std::span<const Format> formats,
              bool aggregates) {
  Choice choice;
  for (const auto& clause : clauses) {
    const auto format = covered(clause, formats);
    if (!format) continue;
    const auto aggregated = aggregates ? aggregated_version(clause) : std::string_view();
    const auto stream = clause.parameter("stream");
    const bool streams = stream.empty() || stream == "watch";
    if (streams && (!converts(clause) || !aggregated.empty())) {
      return {.format = format, .pretty = clause.parameter("pretty") == "1", .aggregated = aggregated};
    }
    choice.only_parameters = true;
  }
  return choice;
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

kube::Status not_acceptable(Offer offer, const Choice& choice) {
  static constexpr std::string_view three =
      "application/json, application/yaml, application/vnd.kubernetes.protobuf";
  if (choice.only_parameters) {
    return {.code = 406,
            .reason = "NotAcceptable",
            .message = fmt::format("only the following media types are accepted: {}", three)};
  }
  static constexpr std::string_view head = "406: Not Acceptable\n\nAvailable representations:";
  kube::Status status{.code = 406, .reason = "NotAcceptable", .empty_details = true};
  if (offer == Offer::only_json) {
    status.message = fmt::format("{} application/json", head);
  } else if (offer == Offer::metrics) {
    status.message =
        fmt::format("{} {}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
                    head, three);
  } else {
    status.message = fmt::format("{} {}", head, three);
  }
  return status;
}

}  // namespace

bool prefers_pretty(const http::Headers& headers) {
  const auto agent = http::find_header(headers, "User-Agent").value_or("");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

Negotiated negotiate(const http::Headers& headers, const http::Target& target, Offer offer) {
  Negotiated result;
  if (wants_pretty(headers, target)) result.form.layout = kube::Layout::pretty;
  const auto accept = http::find_header(headers, "Accept").value_or("");
  if (accept.find_first_not_of(" \t") == std::string_view::npos) return result;

  const auto clauses = parse_accept(accept);
  const auto formats = std::span(all_formats).first(offer == Offer::only_json ? 1 : all_formats.size());
  const auto choice = choose(clauses, formats, offer == Offer::group_list);
  if (!choice.format) result.refusal = not_acceptable(offer, choice);
  // An error is told in any form, also in one that the path does not offer.
  const auto told = choice.format ? choice : choose(clauses, all_formats, false);
  result.form.format = told.format.value_or(Format::json);
  if (!told.format || told.pretty) result.form.layout = kube::Layout::pretty;
  result.aggregated = choice.aggregated;
  return result;
}

}  // namespace fluxmetrics::api
