// metav1.Status: how a Kubernetes API says no.
#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "http/message.hpp"
#include "kube/encoding.hpp"

namespace fluxmetrics::kube {

// One of several reasons.
struct StatusCause {
  std::string reason;
  std::string message;
  std::string field;
};

// What an answer is about; empty members are left out.
struct StatusDetails {
  std::string name = {};
  std::string group = {};
  std::string kind = {};
  std::vector<StatusCause> causes = {};
};

struct Status {
  int code = 500;
  std::string reason = {};  // "NotFound", "BadRequest", ...; "" leaves it out
  std::string message = {};
  bool empty_details = false;  // "details":{} (some answers of the Go server have it)
  StatusDetails details = {};
};

[[nodiscard]] boost::json::value to_object(const Status& status);
[[nodiscard]] http::Response to_response(const Status& status, Form form = {});

}  // namespace fluxmetrics::kube
