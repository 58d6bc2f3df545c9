#include "base/json_text.hpp"

#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace fluxmetrics {
namespace {

namespace json = boost::json;

void append(std::string& out, const json::value& value) {
  if (const auto* object = value.if_object()) {
    const char* separator = "{";
    for (const auto& [key, member] : *object) {
      out += separator + json::serialize(json::string_view(key)) + ":";
      append(out, member);
      separator = ",";
    }
    out += object->empty() ? "{}" : "}";
  } else if (const auto* array = value.if_array()) {
    const char* separator = "[";
    for (const auto& item : *array) {
      out += separator;
      append(out, item);
      separator = ",";
    }
    out += array->empty() ? "[]" : "]";
  } else if (const auto* number = value.if_double()) {
    // The shortest decimal that reads as the same number.
    if (std::isfinite(*number)) {
      fmt::format_to(std::back_inserter(out), "{}", *number);
    } else {
      out += "null";
    }
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string json_text(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace fluxmetrics
