// metav1.Status: how a Kubernetes API says no.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "http/message.hpp"

namespace fluxmetrics::kube {

struct Status {
  int code = 500;
  std::string reason;   // "NotFound", "BadRequest", ...; "" leaves it out
  std::string message;
  bool empty_details = false;  // "details":{} (some answers of the Go server have it)
};

// JSON with Go's escapes and a newline at the end.
[[nodiscard]] std::string to_json(const Status& status);
[[nodiscard]] http::Response to_response(const Status& status);

// Serialises as Go's encoding/json does: keys in insertion order, < > & and U+2028/9 escaped.
[[nodiscard]] std::string go_json(const boost::json::value& value);

}  // namespace fluxmetrics::kube
