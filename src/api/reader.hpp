// Who reads a number, and whether it may act on it by itself.
#pragma once

#include <string_view>

#include "metrics/handed_out.hpp"

namespace fluxmetrics::api {

// By the name of a user. Autoscalers are service accounts; so is the HPA controller, or it is the controller
// manager. What nobody has authenticated may be one.
[[nodiscard]] inline metrics::Reader reader_named(std::string_view user) {
  const bool unknown = user.empty() || user == "-" || user == "system:anonymous";
  const bool program = user.starts_with("system:serviceaccount:") || user == "system:kube-controller-manager";
  return {.name = unknown ? std::string_view() : user, .person = !unknown && !program};
}

}  // namespace fluxmetrics::api
