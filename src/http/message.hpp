// An HTTP request and response as the rest of the program sees them: no Beast, no sockets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxmetrics::http {

class BodySource;

using Headers = std::vector<std::pair<std::string, std::string>>;

// The value of the first header called `name` (case-insensitive).
[[nodiscard]] std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

struct Peer {
  std::string address;  // without port
  bool tls = false;
  bool same_host = false;  // loopback, or the peer's address is our own
  // The chain that a TLS client has shown, as DER, leaf first; null when none. Nobody has verified it yet.
  std::shared_ptr<const std::vector<std::string>> certificates = nullptr;
};

struct Request {
  std::string method;
  std::string target;  // as sent: path and query, percent-encoded; absolute form already reduced to this
  Headers headers;
  std::string body = {};  // as much as Handler::most_body() wants, else ""
  bool body_cut = false;  // there was more than that, and none of it is kept
  Peer peer;
  bool server_ending = false;  // a signal has come; the server still answers for its shutdown delay
};

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  // a literal
  std::shared_ptr<const std::string> body;             // shared: cached answers are sent without a copy
  Headers headers;                                     // besides Content-Type, Content-Length, Date
  bool close = false;
  std::shared_ptr<BodySource> source = nullptr;  // the body, when it comes in pieces; `body` is not looked at
};

// What a client got for a request.
struct Fetched {
  int status = 0;
  Headers headers;
  std::string body;
};

// A request target split and percent-decoded.
struct Target {
  std::vector<std::string> segments;  // "/a/%2A%2Fb/" -> {"a", "*", "b"}; no slash at the end
  bool empty_segment = false;         // "//" inside the path
  std::vector<std::pair<std::string, std::string>> query;  // in order; "+" is a space
  std::string path;                                        // decoded, for messages
  [[nodiscard]] std::optional<std::string_view> query_value(std::string_view key) const;  // the first one
};

// In a query "+" is a space, in a path it is itself.
enum class Plus { is_itself, is_space };
// `text` with its %XX replaced; nullopt when one of them is broken.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text, Plus plus = Plus::is_itself);

// `text` as one segment of a path or one value of a query: all but RFC 3986's unreserved characters as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

// nullopt for a target that is not origin form or has a broken escape.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

}  // namespace fluxmetrics::http
