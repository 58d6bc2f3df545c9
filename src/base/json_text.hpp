// JSON as people and their tools read it: numbers in plain decimals, where Boost.JSON writes 1.5E1.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace fluxmetrics {

// One line, without a newline at its end. A number that JSON has not (NaN, infinite) becomes null.
[[nodiscard]] std::string json_text(const boost::json::value& value);

}  // namespace fluxmetrics
