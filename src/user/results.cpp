#include "user/results.hpp"

#include <cfloat>
#include <cmath>
#include <fmt/ranges.h>
#include <optional>
#include <set>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/json_members.hpp"
#include "base/text.hpp"

namespace fluxmetrics::user {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_text_shown = 80;
constexpr std::size_t longest_label = 500;

std::string shown(const json::value& value) {
  return printable(json::serialize(value), longest_text_shown);
}

std::optional<double> number_in(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.to_number<double>();
  // jq writes infinity as the largest number.
  if (!std::isfinite(number) || std::abs(number) >= DBL_MAX) return std::nullopt;
  return number;
}

// Texts as they are; ranks and the like as they are written.
std::optional<std::string> label_in(const json::value& value) {
  if (const auto* text = value.if_string()) return printable(*text, longest_label);
  if (value.is_number() || value.is_bool()) return json::serialize(value);
  return std::nullopt;
}

Result<metrics::Labels> labels_in(const metrics::UserMetric& metric, const json::object& item) {
  const auto* labels = object_at(&item, "labels");
  metrics::Labels list;
  for (const auto& name : metric.labels) {
    const auto* value = value_at(labels, name);
    auto text = value == nullptr ? std::nullopt : label_in(*value);
    if (!text) return fail(Code::unavailable, "an item has no string as its label {}: {}", name, shown(item));
    list.emplace_back(name, *std::move(text));
  }
  if (labels->size() != metric.labels.size()) {
    return fail(Code::unavailable, "an item has labels other than {}: {}", fmt::join(metric.labels, ", "),
                shown(item));
  }
  return list;
}

Result<void> add_items(const metrics::UserMetric& metric, const json::value& result,
                       std::vector<metrics::Item>& items) {
  if (const auto* array = result.if_array()) {
    for (const auto& each : *array)
      if (auto added = add_items(metric, each, items); !added) return added;
    return {};
  }
  const auto* object = result.if_object();
  const auto* value = value_at(object, "value");
  if (value == nullptr) {
    return fail(Code::unavailable, "it has labels, so it must return objects like {}, not {}",
                R"({"labels":{...},"value":1})", shown(result));
  }
  if (value->is_null()) return {};
  const auto number = number_in(*value);
  if (!number) return fail(Code::unavailable, "an item's value is not a finite number: {}", shown(result));
  auto labels = labels_in(metric, *object);
  if (!labels) return std::unexpected(labels.error());
  items.push_back({.labels = *std::move(labels), .value = *number});
  return {};
}

}  // namespace

Result<std::vector<metrics::Item>> items_of(const metrics::UserMetric& metric, const json::array& results) {
  std::vector<metrics::Item> items;
  if (metric.labels.empty()) {
    if (results.size() > 1)
      return fail(Code::unavailable, "it has no labels, so it must return one number, not {} results",
                  results.size());
    if (results.empty() || results.front().is_null())
      return fail(Code::unavailable, "it returns no value now (null or nothing)");
    const auto number = number_in(results.front());
    if (!number)
      return fail(Code::unavailable, "it does not return a finite number: {}", shown(results.front()));
    items.push_back({.labels = {}, .value = *number});
    return items;
  }
  for (const auto& result : results) {
    if (result.is_null()) continue;
    if (auto added = add_items(metric, result, items); !added) return std::unexpected(added.error());
  }
  if (items.empty()) return fail(Code::unavailable, "it returns no value now (null or nothing)");
  std::set<metrics::Labels> seen;
  for (const auto& item : items) {
    if (seen.insert(item.labels).second) continue;
    std::vector<std::string> values;
    for (const auto& [name, value] : item.labels)
      values.push_back(fmt::format("{}={}", name, value));
    return fail(Code::unavailable, "two items have the same labels: {}", fmt::join(values, ","));
  }
  return items;
}

}  // namespace fluxmetrics::user
