// What a scalar of YAML means, by the rules that Go's YAML library has and kubectl therefore reads with:
// YAML 1.1's booleans (yes, on, y), octal numbers (010 is 8), and a few forms of Go's own (0o17, 1_000).
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics {

// The value of a scalar: null, a boolean, a whole number, a double (infinite ones and NaN too) or a text.
// `tag`: in its long form, "" for none; `plain`: neither quoted nor a block. Errors: Code::invalid for a text
// that is not what its tag says. Source: resolve.go of go.yaml.in/yaml/v2 2.4.4.
[[nodiscard]] Result<boost::json::value> resolve_yaml_scalar(std::string_view tag, const std::string& text,
                                                             bool plain);

// A number as it is after Go has written it into JSON and read it again: 4.0 is the whole number 4, and what
// exceeds 64 bits with a sign is a double. Infinite ones and NaN, which JSON has not, stay what they are.
[[nodiscard]] boost::json::value go_number(const boost::json::value& number);

// A key as Go turns it into a text: true for yes, 8 for 010, 1e+06 for 1e6 (with the digits of a 32-bit
// float). Errors: Code::invalid for null and for whole numbers beyond 64 bits with a sign, which it refuses.
[[nodiscard]] Result<std::string> yaml_key_text(const boost::json::value& key);

}  // namespace fluxmetrics
