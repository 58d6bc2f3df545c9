#include "kube/client_error.hpp"

#include <fmt/format.h>
#include <optional>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace fluxmetrics::kube {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_text = 2048;  // of a body that the client looks at

std::optional<std::string> status_message(const http::Fetched& answer) {
  boost::system::error_code broken;
  const auto body = json::parse(answer.body, broken);
  const auto* object = broken ? nullptr : body.if_object();
  if (object == nullptr) return std::nullopt;
  const auto* kind = object->if_contains("kind");
  if (kind == nullptr || !kind->is_string() || kind->get_string() != "Status") return std::nullopt;
  const auto* message = object->if_contains("message");
  return message != nullptr && message->is_string() ? std::string(message->get_string()) : std::string();
}

// A body in plain text is quoted in some sentences; any other is "unknown".
std::string quoted_text(const http::Fetched& answer) {
  const auto type = http::find_header(answer.headers, "Content-Type");
  if (!type || !starts_ignoring_case(*type, "text/")) return "unknown";
  auto text = answer.body.substr(0, longest_text);
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  return text;
}

std::string sentence_of(const http::Fetched& answer) {
  switch (answer.status) {
    case 400:
      return "the server rejected our request for an unknown reason";
    case 401:
      return "the server has asked for the client to provide credentials";
    case 403:
    case 406:
    case 415:
      return quoted_text(answer);
    case 404:
      return "the server could not find the requested resource";
    case 405:
      return "the server does not allow this method on the requested resource";
    case 409:
      return "the server reported a conflict";
    case 422:
      return "the server rejected our request due to an error in our request";
    case 429:
      return "the server has received too many requests and has asked us to try again later";
    case 503:
      return "the server is currently unable to handle the request";
    case 504:
      return "the server was unable to return a response in the time allotted, but may still be processing "
             "the "
             "request";
    default:
      break;
  }
  if (answer.status >= 500) {
    return fmt::format("an error on the server ({}) has prevented the request from succeeding",
                       json::serialize(json::value(json::string(quoted_text(answer)))));
  }
  return fmt::format("the server responded with the status code {} but did not return more information",
                     answer.status);
}

}  // namespace

bool is_status(const http::Fetched& answer) {
  return status_message(answer).has_value();
}

std::string client_error(const http::Fetched& answer, std::string_view resource, std::string_view name) {
  if (const auto message = status_message(answer); message && !message->empty()) return *message;
  return fmt::format("{} (get {}{}{})", sentence_of(answer), resource, name.empty() ? "" : " ", name);
}

}  // namespace fluxmetrics::kube
