// One client's connection: tells TLS from HTTP, reads requests, asks the handler, writes responses.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "http/body_source.hpp"
#include "http/http2.hpp"
#include "http/message.hpp"
#include "http/session_context.hpp"
#include "http/stream.hpp"

namespace fluxmetrics::http {

class Session {
 public:
  Session(SessionContext& context, Stream::Socket socket);
  // Serves until the connection ends; the caller sees that `this` lives until then.
  boost::asio::awaitable<void> run();

  // For the server's watchman.
  [[nodiscard]] bool overdue(MonoTime now) const { return now >= time_.deadline; }
  [[nodiscard]] bool idle() const { return time_.idle; }  // waits for a request of which nothing has come
  [[nodiscard]] bool reading() const { return time_.reading; }
  [[nodiscard]] MonoTime since() const { return time_.since; }
  void abort() { stream_.abort(); }
  // Answers what is open, and ends by then.
  void begin_stop(MonoTime by);

 private:
  class RequestParser;
  class Buffer;
  struct Leaving;

  boost::asio::awaitable<bool> begin();
  [[nodiscard]] bool start_http2();
  boost::asio::awaitable<void> serve_http1();
  boost::asio::awaitable<bool> read_request(Buffer& buffer, RequestParser& parser);
  boost::asio::awaitable<bool> respond(RequestParser& parser);
  boost::asio::awaitable<bool> fill(Buffer& buffer);
  boost::asio::awaitable<bool> write(const Response& response, bool with_body, std::string_view connection,
                                     bool chunked = false);
  boost::asio::awaitable<void> send_in_pieces(const Response& response, bool with_body, bool chunked);
  boost::asio::awaitable<void> write_pieces(std::shared_ptr<BodySource> source, bool chunked);
  boost::asio::awaitable<bool> write_piece(std::string piece, bool chunked);
  boost::asio::awaitable<void> await_leave(std::shared_ptr<BodySource> source, Leaving* leaving);
  boost::asio::awaitable<void> refuse(int status);
  void allow(Seconds time) { time_.allow(time, context_.stop_by); }

  SessionContext& context_;
  Stream stream_;
  Peer peer_;
  SessionTime time_;
  std::unique_ptr<Http2Connection> http2_;
  std::shared_ptr<BodySource> source_;  // of the body that is being sent in pieces
  bool served_any_ = false;             // the first request must come within the header timeout
};

}  // namespace fluxmetrics::http
