#include "agent/refusal.hpp"

#include <utility>

namespace fluxmetrics::agent {
namespace {

// metav1.StatusReason, as k8s.io/apimachinery pairs them with codes.
const char* reason_for(int code) {
  switch (code) {
    case 400:
      return "BadRequest";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 409:
      return "Conflict";
    case 413:
      return "RequestEntityTooLarge";
    case 415:
      return "UnsupportedMediaType";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 504:
      return "Timeout";
    default:
      return "ServiceUnavailable";
  }
}

}  // namespace

kube::Status refusal(int code, std::string message) {
  return {.code = code, .reason = reason_for(code), .message = std::move(message)};
}

kube::Status refusal(const Error& error) {
  switch (error.code) {
    case Code::denied:
      return refusal(403, error.message);
    case Code::conflict:
    case Code::unsupported:
      return refusal(409, error.message);
    case Code::timed_out:
      return refusal(504, error.message);
    default:
      return refusal(503, error.message);
  }
}

}  // namespace fluxmetrics::agent
