// How the agent says no: Statuses, each with a sentence.
#pragma once

#include <string>

#include "base/result.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::agent {

// With the reason that Kubernetes has for this code.
[[nodiscard]] kube::Status refusal(int code, std::string message);

// Of what Flux, or the way to it, said: 403 denied, 409 conflict and unsupported, 504 timed out, else 503.
[[nodiscard]] kube::Status refusal(const Error& error);

}  // namespace fluxmetrics::agent
