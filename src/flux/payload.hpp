// From a reply's text to JSON, within bounds: a broker that is broken, or none, must not cost all memory.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics::flux {

// Parses JSON text of a reply; integers stay integers. The memory it takes is bounded: 16 MiB of text, 64 MiB
// as a document. Errors: Code::protocol with `topic`.
[[nodiscard]] Result<boost::json::value> parse_payload(std::string_view topic, std::string_view text);

}  // namespace fluxmetrics::flux
