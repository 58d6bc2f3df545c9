#include "kube/answer.hpp"

#include <boost/json/parse.hpp>

namespace fluxmetrics::kube {

namespace json = boost::json;

namespace {

constexpr std::size_t longest_quote = 300;

}  // namespace

Code code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return Code::denied;
    case 404:
      return Code::not_found;
    case 405:
    case 406:
    case 415:
      return Code::unsupported;
    case 409:
      return Code::conflict;
    case 410:
      return Code::expired;
    case 400:
    case 413:
    case 422:
      return Code::invalid;
    default:
      return Code::unavailable;
  }
}

std::string message_of(const http::Fetched& answer) {
  json::error_code error;
  const auto body = json::parse(answer.body, error);
  if (!error && body.is_object()) {
    if (const auto* message = body.get_object().if_contains("message");
        message != nullptr && message->is_string()) {
      return fmt::format("{} ({})", std::string_view(message->get_string()), answer.status);
    }
  }
  return fmt::format("HTTP status {}: {}", answer.status,
                     std::string_view(answer.body).substr(0, longest_quote));
}

Result<json::object> object_of(const http::Fetched& answer, std::string_view what) {
  if (answer.status < 200 || answer.status >= 300) {
    return fail(code_of(answer.status), "{}: {}", what, message_of(answer));
  }
  json::error_code error;
  auto body = json::parse(answer.body, error);
  if (error || !body.is_object()) return fail(Code::protocol, "{}: the answer is not a JSON object", what);
  return std::move(body.get_object());
}

}  // namespace fluxmetrics::kube
