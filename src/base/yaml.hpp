// YAML documents read as JSON values.
#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics {

// The documents of `text` (JSON is YAML too), with the plain scalars read as YAML 1.2's core schema has them:
// null, booleans, numbers, texts. Errors: Code::invalid with line and column; text that unfolds to too much.
[[nodiscard]] Result<std::vector<boost::json::value>> parse_yaml(const std::string& text);

}  // namespace fluxmetrics
