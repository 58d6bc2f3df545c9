#include "api/query.hpp"

#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "kube/json.hpp"

namespace fluxmetrics::api {
namespace {

Result<FieldTerm> parse_term(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    return fail(Code::invalid, "invalid selector: '{0}'; can't understand '{0}'", text);
  }
  FieldTerm term;
  auto key = text.substr(0, equals);
  auto value = text.substr(equals + 1);
  if (key.ends_with('!')) {
    term.equal = false;
    key.remove_suffix(1);
  } else if (value.starts_with('=')) {
    value.remove_prefix(1);
  }
  if (key != "metadata.name" && key != "metadata.namespace") {
    return fail(Code::invalid,
                R"({} is not a known field selector: only "metadata.name", "metadata.namespace")",
                kube::go_quote(key));
  }
  term.key = key;
  term.value = value;
  return term;
}

Result<std::vector<FieldTerm>> parse_fields(std::string_view text) {
  std::vector<FieldTerm> terms;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (const auto part = text.substr(0, comma); !part.empty()) {
      auto term = parse_term(part);
      if (!term) return std::unexpected(term.error());
      terms.push_back(std::move(*term));
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return terms;
}

Result<void> check_limit(std::string_view text) {
  if (text.empty()) return {};
  std::int64_t limit = 0;
  auto digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), limit);
  if (problem == std::errc::result_out_of_range) {
    return fail(Code::invalid, "strconv.ParseInt: parsing {}: value out of range", kube::go_quote(text));
  }
  if (problem != std::errc() || end != digits.data() + digits.size()) {
    return fail(Code::invalid, "strconv.ParseInt: parsing {}: invalid syntax", kube::go_quote(text));
  }
  return {};
}

Result<void> check_timeout(std::string_view text) {
  if (text.empty() || parse_duration(text)) return {};
  return fail(Code::invalid, "invalid timeout specified in the request URL - time: invalid duration {}",
              kube::go_quote(text));
}

}  // namespace

Result<MetricQuery> parse_query(const http::Target& target) {
  const auto text = [&](std::string_view key) {
    return target.query_value(key).value_or(std::string_view());
  };
  if (auto checked = check_timeout(text("timeout")); !checked) return std::unexpected(checked.error());
  if (auto checked = check_limit(text("limit")); !checked) return std::unexpected(checked.error());

  MetricQuery query;
  auto labels = kube::Selector::parse(text("labelSelector"));
  if (!labels) return std::unexpected(labels.error());
  query.labels = std::move(*labels);

  auto fields = parse_fields(text("fieldSelector"));
  if (!fields) return std::unexpected(fields.error());
  query.fields = std::move(*fields);

  auto metric_labels = kube::Selector::parse(text("metricLabelSelector"));
  if (!metric_labels) return std::unexpected(metric_labels.error());
  query.metric_labels = std::move(*metric_labels);

  auto echo = query.metric_labels.to_label_selector();
  if (!echo) return std::unexpected(echo.error());
  query.echo = std::move(*echo);
  return query;
}

bool selects(const MetricQuery& query, const kube::ObjectReference& object,
             const std::vector<std::pair<std::string, std::string>>& labels) {
  const bool fields = std::ranges::all_of(query.fields, [&](const FieldTerm& term) {
    const auto& value = term.key == "metadata.name" ? object.name : object.namespace_;
    return (value == term.value) == term.equal;
  });
  return fields && query.labels.matches(labels);
}

}  // namespace fluxmetrics::api
