// Writes a JSON value as YAML in block style, for people who read it.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace fluxmetrics {

// YAML 1.2, ending in a newline. Every string is quoted, so that none reads as a number or a boolean.
[[nodiscard]] std::string to_yaml(const boost::json::value& value);

}  // namespace fluxmetrics
