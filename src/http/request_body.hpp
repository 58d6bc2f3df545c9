// What is kept of a request's body: as much as the handler reads at this path. All else is dropped as it
// comes.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "http/message.hpp"
#include "http/session_context.hpp"

namespace fluxmetrics::http {

class RequestBody {
 public:
  explicit RequestBody(SessionContext& context) : context_(context) {}
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;
  ~RequestBody() { context_.unread -= counted_; }

  // Takes what has come next, of a request whose head is complete. False: too much is kept for other requests
  // already, so this one must be refused with 503.
  [[nodiscard]] bool take(Request& request, std::string_view piece);

 private:
  SessionContext& context_;
  std::optional<std::size_t> most_;  // nullopt: the handler was not asked yet
  std::size_t counted_ = 0;          // in SessionContext::unread
};

}  // namespace fluxmetrics::http
