// Paths of this server that are not a metrics API: a room above answers them, behind the same access control.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "http/message.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::api {

// Everything below this path is the subtree's: /flux-metrics/...
inline constexpr const char* subtree_root = "flux-metrics";

// Who asks, as far as that was asked.
struct Caller {
  std::string user;      // as logs have it; "-" when nobody asked
  bool checked = false;  // its rights were reviewed; false with --insecure-skip-auth
};

// Used on the serving thread only.
class Subtree {
 public:
  Subtree() = default;
  Subtree(const Subtree&) = delete;
  Subtree& operator=(const Subtree&) = delete;
  virtual ~Subtree() = default;
  // What everybody is told in place of an answer, whatever they may do; nullopt: access decides.
  [[nodiscard]] virtual std::optional<kube::Status> turn_away(const http::Request& request) const = 0;
  // As http::Handler::most_body(), of a request in the subtree.
  [[nodiscard]] virtual std::size_t most_body(const http::Request& head) const = 0;
  // The answer to somebody who may. It may wait.
  [[nodiscard]] virtual boost::asio::awaitable<http::Response> answer(http::Request request,
                                                                      http::Target target, Caller caller) = 0;
};

}  // namespace fluxmetrics::api
