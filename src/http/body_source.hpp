// The body of a response that comes piece by piece, for as long as its client takes it.
#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace fluxmetrics::http {

// Used on the serving thread only.
class BodySource {
 public:
  BodySource() = default;
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  virtual ~BodySource() = default;
  // The next piece, never empty; nullopt: there is no more. Called when the connection has taken the piece
  // before, so a slow client holds up its own body and nothing else. It may wait on the serving thread's
  // io_context, but for less than ServerOptions::answer_timeout.
  [[nodiscard]] virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
  // The client has left, or was too slow, or the server ends: a next() that waits returns nullopt now, and so
  // does every later one.
  virtual void end() = 0;
};

}  // namespace fluxmetrics::http
