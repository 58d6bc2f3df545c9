#include "explain/json_path.hpp"

#include <boost/json.hpp>

namespace fluxmetrics::explain {
namespace json = boost::json;

const json::value& value_at(const json::value& document, JsonPath path) {
  static const json::value nothing;
  const auto* value = &document;
  for (const auto name : path) {
    const auto* object = value->if_object();
    value = object == nullptr ? nullptr : object->if_contains(name);
    if (value == nullptr) return nothing;
  }
  return *value;
}

std::string text_at(const json::value& document, JsonPath path) {
  const auto& value = value_at(document, path);
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

std::int32_t int_at(const json::value& document, JsonPath path) {
  const auto& value = value_at(document, path);
  boost::system::error_code wrong;
  const auto number = value.is_number() ? value.to_number<std::int32_t>(wrong) : 0;
  return wrong ? 0 : number;
}

std::span<const json::value> items_at(const json::value& document, JsonPath path) {
  const auto* list = value_at(document, path).if_array();
  return list == nullptr ? std::span<const json::value>() : std::span(list->data(), list->size());
}

}  // namespace fluxmetrics::explain
