// Who answers a server's requests.
#pragma once

#include <cstddef>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "http/message.hpp"

namespace fluxmetrics::http {

// Called on the serving thread only. What is thrown ends as a 500 for that one request.
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;
  // Answers from memory, at once; nullopt when the answer takes waiting for something.
  [[nodiscard]] virtual std::optional<Response> answer(const Request& request) = 0;
  // Called when answer() said nullopt. It may wait on the serving thread's io_context, and bounds its own
  // waits.
  [[nodiscard]] virtual boost::asio::awaitable<Response> answer_later(Request request) = 0;
  // How many bytes of a request's body are to be kept for answer(), by its head; 0: none, whatever comes is
  // dropped.
  [[nodiscard]] virtual std::size_t most_body(const Request& /*head*/) const { return 0; }
  // The server ends: whoever still waits is to be answered now, with whatever can be said.
  virtual void end_waits() {}
};

}  // namespace fluxmetrics::http
