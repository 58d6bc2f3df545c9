// JSON text as Go's encoding/json writes it, which is what Kubernetes clients and captures show.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace fluxmetrics::kube {

enum class Layout { compact, pretty };

// Serialises as Go's encoding/json does: keys in insertion order, < > & and U+2028/9 escaped, bytes that are
// not UTF-8 replaced. Pretty: two spaces a level.
[[nodiscard]] std::string go_json(const boost::json::value& value, Layout layout = Layout::compact);

// A response body: compact text ends with a newline, pretty text does not (as the Go server's).
[[nodiscard]] std::string json_body(const boost::json::value& value, Layout layout);

// A string as Go's %q prints it in error messages.
[[nodiscard]] std::string go_quote(std::string_view text);

}  // namespace fluxmetrics::kube
