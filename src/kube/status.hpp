// metav1.Status: how a Kubernetes API says no.
#pragma once

#include <string>

#include "http/message.hpp"
#include "kube/json.hpp"

namespace fluxmetrics::kube {

// What an answer is about; empty members are left out.
struct StatusDetails {
  std::string name = {};
  std::string group = {};
  std::string kind = {};
};

struct Status {
  int code = 500;
  std::string reason = {};  // "NotFound", "BadRequest", ...; "" leaves it out
  std::string message = {};
  bool empty_details = false;  // "details":{} (some answers of the Go server have it)
  StatusDetails details = {};
};

// The whole body of an answer.
[[nodiscard]] std::string to_json(const Status& status, Layout layout = Layout::compact);
[[nodiscard]] http::Response to_response(const Status& status, Layout layout = Layout::compact);

}  // namespace fluxmetrics::kube
