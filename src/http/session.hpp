// One client's connection: tells TLS from HTTP, reads requests, asks the handler, writes responses.
#pragma once

#include <algorithm>
#include <array>
#include <ctime>
#include <exception>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "http/handler.hpp"
#include "http/message.hpp"
#include "http/server.hpp"
#include "http/stream.hpp"
#include "http/tls_context.hpp"

namespace fluxmetrics::http {

// The Date header's text, made once a second.
class DateText {
 public:
  [[nodiscard]] std::string_view at(std::time_t now);

 private:
  std::time_t second_ = -1;
  std::array<char, 40> text_{};
  std::size_t size_ = 0;
};

// What all sessions of a server share.
struct SessionContext {
  const ServerOptions& options;
  Handler& handler;
  ServingContext& tls;
  DateText date;
  std::string scratch;                 // for one response, never across a wait
  bool stopping = false;               // finish the request under way, then close
  MonoTime stop_by = MonoTime::max();  // what takes longer is cut off
};

class Session {
 public:
  Session(SessionContext& context, Stream::Socket socket);
  // Serves until the connection ends; the caller sees that `this` lives until then.
  boost::asio::awaitable<void> run();

  // For the server's watchman.
  [[nodiscard]] bool overdue(MonoTime now) const { return now >= deadline_; }
  [[nodiscard]] bool idle() const { return idle_; }  // waits for a request of which nothing has come
  void finish_by(MonoTime when) { deadline_ = std::min(deadline_, when); }
  void abort() { stream_.abort(); }

 private:
  class RequestParser;
  class Buffer;

  boost::asio::awaitable<bool> begin();
  boost::asio::awaitable<bool> read_request(Buffer& buffer, RequestParser& parser);
  boost::asio::awaitable<bool> respond(RequestParser& parser);
  boost::asio::awaitable<bool> fill(Buffer& buffer);
  boost::asio::awaitable<bool> write(const Response& response, bool with_body, std::string_view connection);
  boost::asio::awaitable<void> refuse(int status);
  [[nodiscard]] static Response failed(const Request& request, const std::exception_ptr& fault);
  void allow(Seconds time);

  SessionContext& context_;
  Stream stream_;
  Peer peer_;
  MonoTime deadline_;
  bool idle_ = false;
  bool served_any_ = false;  // the first request must come within the header timeout
};

}  // namespace fluxmetrics::http
