#include "metrics/record.hpp"

#include <cmath>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/json_text.hpp"
#include "instance/state_json.hpp"

namespace fluxmetrics::metrics {
namespace {

namespace json = boost::json;

// Counts are written as integers: 4, not 4e+00.
json::value to_json(double value) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= exact) return static_cast<std::int64_t>(value);
  if (!std::isfinite(value)) return nullptr;  // JSON has no such number
  return value;
}

json::array items_json(const Family& family) {
  json::array items;
  for (const auto& item : family.items) {
    json::object labels;
    for (const auto& [name, value] : item.labels)
      labels[name] = value;
    items.push_back(json::object{{"labels", std::move(labels)}, {"value", to_json(item.value)}});
  }
  return items;
}

json::object values_json(const Snapshot& snapshot, const Chosen& chosen) {
  json::object values;
  for (const auto& family : *snapshot.families) {
    if (!chosen(family)) continue;
    json::value& value = values[family.description->name];
    if (family.missing) continue;  // null
    if (family.description->labels.empty() && family.items.size() == 1) {
      value = to_json(family.items.front().value);
    } else {
      value = items_json(family);
    }
  }
  return values;
}

}  // namespace

json::object to_document(const Snapshot& snapshot, const Chosen& chosen) {
  json::array families;
  for (const auto& family : *snapshot.families) {
    if (!chosen(family)) continue;
    json::object entry{{"name", family.description->name}, {"unit", family.description->unit}};
    if (family.missing) {
      entry["missing"] = family.missing->message;
    } else {
      entry["items"] = items_json(family);
    }
    families.push_back(std::move(entry));
  }
  return {{"timestamp", format_rfc3339(snapshot.confirmed.wall)},
          {"instance", instance::instance_json(*snapshot.state)},
          {"metrics", std::move(families)}};
}

std::string to_record(const Snapshot& snapshot, const Chosen& chosen) {
  const json::object line{{"format", "flux-metrics-api.record/1"},
                          {"time", to_unix(snapshot.confirmed.wall)},
                          {"instance", instance::instance_json(*snapshot.state)},
                          {"metrics", values_json(snapshot, chosen)}};
  return json_text(line);
}

std::string values_text(const Snapshot& snapshot, const Chosen& chosen) {
  return json_text(values_json(snapshot, chosen));
}

}  // namespace fluxmetrics::metrics
