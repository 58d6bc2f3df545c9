#include "explain/json_path.hpp"

#include <boost/json.hpp>

#include "base/json_members.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;

namespace {

const json::value& follow(const json::object* object, JsonPath path) {
  static const json::value nothing;
  const json::value* value = &nothing;
  for (const auto name : path) {
    value = fluxmetrics::value_at(object, name);
    if (value == nullptr) return nothing;
    object = value->if_object();
  }
  return *value;
}

std::string text_or_none(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

}  // namespace

const json::value& value_at(const json::value& document, JsonPath path) {
  return path.size() == 0 ? document : follow(document.if_object(), path);
}

const json::value& value_at(const json::object& document, JsonPath path) {
  return follow(&document, path);
}

std::string text_at(const json::value& document, JsonPath path) {
  return text_or_none(value_at(document, path));
}

std::string text_at(const json::object& document, JsonPath path) {
  return text_or_none(value_at(document, path));
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
