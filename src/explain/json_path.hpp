// Values deep in a JSON document, of which nothing is sure: what is absent, or of another type, reads as
// nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace fluxmetrics::explain {

using JsonPath = std::initializer_list<std::string_view>;

[[nodiscard]] const boost::json::value& value_at(const boost::json::value& document,
                                                 JsonPath path);  // or null
[[nodiscard]] const boost::json::value& value_at(const boost::json::object& document, JsonPath path);
[[nodiscard]] std::string text_at(const boost::json::value& document, JsonPath path);  // or ""
[[nodiscard]] std::string text_at(const boost::json::object& document, JsonPath path);
[[nodiscard]] std::int32_t int_at(const boost::json::value& document, JsonPath path);  // or 0
// The items of a list; none where there is no list.
[[nodiscard]] std::span<const boost::json::value> items_at(const boost::json::value& document, JsonPath path);

}  // namespace fluxmetrics::explain
