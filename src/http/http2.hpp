// One HTTP/2 connection (RFC 9113): framing, header compression and flow control are nghttp2's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>

#include "http/session_context.hpp"
#include "http/stream.hpp"

struct nghttp2_session;

namespace fluxmetrics::http {

class RequestBody;

class Http2Connection {
 public:
  static constexpr std::uint32_t most_streams = 100;  // at once

  Http2Connection(SessionContext& context, SessionTime& time, Stream& stream, Peer peer);
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;
  ~Http2Connection();
  // Serves until the connection ends; the caller sees that `this` lives until then.
  boost::asio::awaitable<void> run();
  // Tells the client to open no more streams; run() returns when the open ones are answered.
  void go_away();

 private:
  struct Exchange;  // a request and its response
  struct Pieces;    // of a response's body that comes in pieces
  struct Callbacks;

  boost::asio::awaitable<bool> flush();
  void begin_flush();
  boost::asio::awaitable<void> flush_apart();
  boost::asio::awaitable<void> answer_later(std::int32_t id, Request request,
                                            std::unique_ptr<RequestBody> kept);
  boost::asio::awaitable<void> send_pieces(std::int32_t id, std::shared_ptr<Pieces> pieces);
  boost::asio::awaitable<bool> await_taken(std::shared_ptr<Pieces> pieces);
  void end_pieces();
  boost::asio::awaitable<void> say_goodbye();
  [[nodiscard]] bool collect(std::string& out);
  void complete(std::int32_t id);
  void refuse(std::int32_t id, int status);
  void respond(std::int32_t id, Response response);
  void set_deadline();

  SessionContext& context_;
  SessionTime& time_;
  Stream& stream_;
  Peer peer_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Exchange>> exchanges_;
  std::size_t kept_ = 0;        // of requests' bodies, see RequestBody
  std::size_t incomplete_ = 0;  // requests that have begun to come
  std::size_t waiting_ = 0;     // coroutines other than run(), which outlives them
  bool going_away_ = false;
  bool writing_ = false;
  std::optional<MonoTime> blocked_since_;  // when a write began that waits for the client
  bool failed_ = false;
};

}  // namespace fluxmetrics::http
