// Members of JSON objects, read without complaint: what is absent, or of another kind, is not there. Whoever
// must say what is wrong with a reply reads it with flux::Fields instead.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace fluxmetrics {

// Each takes null for an object that is not there either, so that a path is followed in one expression:
// text_at(object_at(config, "queues"), "policy"). What they return lives as long as `object`.
[[nodiscard]] inline const boost::json::value* value_at(const boost::json::object* object,
                                                        std::string_view key) {
  return object == nullptr ? nullptr : object->if_contains(key);
}
[[nodiscard]] inline const boost::json::object* object_at(const boost::json::object* object,
                                                          std::string_view key) {
  const auto* value = value_at(object, key);
  return value == nullptr ? nullptr : value->if_object();
}
[[nodiscard]] inline const boost::json::array* array_at(const boost::json::object* object,
                                                        std::string_view key) {
  const auto* value = value_at(object, key);
  return value == nullptr ? nullptr : value->if_array();
}
[[nodiscard]] inline std::optional<std::string_view> text_at(const boost::json::object* object,
                                                             std::string_view key) {
  const auto* value = value_at(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get_string();
}
[[nodiscard]] inline std::optional<double> number_at(const boost::json::object* object,
                                                     std::string_view key) {
  const auto* value = value_at(object, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}
[[nodiscard]] inline std::optional<bool> flag_at(const boost::json::object* object, std::string_view key) {
  const auto* value = value_at(object, key);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

}  // namespace fluxmetrics
