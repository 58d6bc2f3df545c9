#include "metrics/reference.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include <boost/json/array.hpp>

#include "metrics/prometheus.hpp"

namespace fluxmetrics::metrics {
namespace {

namespace json = boost::json;

std::string_view to_string(Aggregation aggregation) {
  switch (aggregation) {
    case Aggregation::sum:
      return "sum";
    case Aggregation::max:
      return "max";
    case Aggregation::single:
      break;
  }
  return "single";
}

std::string_view to_string(Type type) {
  return type == Type::counter ? "counter" : "gauge";
}

// The families that a metric goes into.
std::vector<std::string_view> exposed_as(std::string_view metric, const Catalogue& catalogue) {
  std::vector<std::string_view> names;
  for (const auto families : {instance_families(), catalogue.user_families()}) {
    for (const auto& family : families)
      if (std::ranges::find(family.made_of, metric) != family.made_of.end()) names.push_back(family.name);
  }
  return names;
}

std::string in_code(const std::vector<std::string_view>& words) {
  std::string text;
  for (const auto word : words)
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", word);
  return text;
}

json::array to_array(const std::vector<std::string_view>& words) {
  json::array array(words.begin(), words.end());
  return array;
}

}  // namespace

std::string catalogue_table(const Catalogue& catalogue) {
  std::string text =
      "| metric | type | unit | labels | together | what it counts | from | Prometheus |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const auto& metric : catalogue) {
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} | {} |\n", metric.name, to_string(metric.type),
                        metric.unit, in_code(metric.labels),
                        metric.labels.empty() ? std::string_view() : to_string(metric.aggregation),
                        metric.help, metric.source, in_code(exposed_as(metric.name, catalogue)));
  }
  return text;
}

std::string exposed_table(std::span<const Exposed> families) {
  std::string text =
      "| family | type | labels | what it says |\n"
      "|---|---|---|---|\n";
  for (const auto& family : families) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", family.name, to_string(family.type),
                        in_code(family.labels), family.help);
  }
  return text;
}

json::object catalogue_document(std::span<const Exposed> own, const Catalogue& catalogue) {
  json::array metrics;
  for (const auto& metric : catalogue) {
    metrics.push_back(json::object{{"name", metric.name},
                                   {"type", to_string(metric.type)},
                                   {"unit", metric.unit},
                                   {"labels", to_array(metric.labels)},
                                   {"aggregation", to_string(metric.aggregation)},
                                   {"prometheus", to_array(exposed_as(metric.name, catalogue))},
                                   {"source", metric.source},
                                   {"help", metric.help}});
  }
  json::array exposed;
  for (const auto families : {instance_families(), catalogue.user_families(), own}) {
    for (const auto& family : families) {
      exposed.push_back(json::object{{"name", family.name},
                                     {"type", to_string(family.type)},
                                     {"labels", to_array(family.labels)},
                                     {"made_of", to_array(family.made_of)},
                                     {"help", family.help}});
    }
  }
  return {{"metrics", std::move(metrics)}, {"prometheus", std::move(exposed)}};
}

}  // namespace fluxmetrics::metrics
