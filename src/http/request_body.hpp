// What is kept of a request's body until the handler has answered: as much as it reads at this path. All else
// is dropped as it comes.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "http/message.hpp"
#include "http/session_context.hpp"

namespace fluxmetrics::http {

class RequestBody {
 public:
  // `of_connection`: what is kept for all requests of one connection.
  RequestBody(SessionContext& context, std::size_t& of_connection)
      : context_(context), of_connection_(of_connection) {}
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;
  ~RequestBody() { release(); }

  // Takes what has come next, of a request whose head is complete. False: too much is kept for other requests
  // of the connection, or of all, so this one must be refused with 503.
  [[nodiscard]] bool take(Request& request, std::string_view piece);
  // What was taken is no longer kept.
  void release();

 private:
  SessionContext& context_;
  std::size_t& of_connection_;
  std::optional<std::size_t> most_;  // nullopt: the handler was not asked yet
  std::size_t counted_ = 0;          // in SessionContext::unread and of the connection
};

}  // namespace fluxmetrics::http
