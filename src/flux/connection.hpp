// The socket below Client: one reader that hands replies to who waits for them, one writer, and what is in
// flight.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.hpp"
#include "flux/message.hpp"
#include "flux/rpc.hpp"

namespace fluxmetrics::flux {

namespace asio = boost::asio;

// One request, or the events, and what has come for it. Who waits sleeps on `arrived`, which is cancelled to
// wake it.
struct Call {
  Call(const asio::any_io_executor& executor, std::string about)
      : arrived(executor), topic(std::move(about)) {}

  asio::steady_timer arrived;
  std::string topic;
  std::uint32_t matchtag = 0;
  RpcOptions options;
  bool streaming = false;
  bool abandoned = false;  // nobody waits any more: replies are dropped, but the matchtag stays taken
  bool awaited = false;
  std::deque<Message> replies;
  std::optional<Error> end;  // after the last of `replies`
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Milliseconds = std::chrono::milliseconds;

  Connection(asio::local::stream_protocol::socket socket, std::string path);

  // Starts reading. The broker's greeting, its auth byte, arrives at greeting().
  void start();
  [[nodiscard]] const std::shared_ptr<Call>& greeting() const { return greeting_; }
  [[nodiscard]] const std::shared_ptr<Call>& events() const { return events_; }
  // From here on events are kept for who takes them.
  void want_events() { wants_events_ = true; }

  // Queues a request. Errors: Code::unavailable when closed, or when the broker has stopped reading.
  [[nodiscard]] Result<std::shared_ptr<Call>> request(std::string topic, std::string payload,
                                                      RpcOptions options, bool streaming);
  // The next reply to `call`, or its end, or Code::timed_out.
  [[nodiscard]] static asio::awaitable<Result<Message>> take(std::shared_ptr<Connection> self,
                                                             std::shared_ptr<Call> call,
                                                             Milliseconds deadline);
  // Large payloads of `topic` go to `sink` from now on, as Decoder::stream_payloads() says.
  void stream_payloads(std::string topic, PayloadSink sink);
  // Nobody will wait for `call` again; a stream is cancelled where its service knows how.
  void abandon(Call& call);

  // Sends a request about a stream that nobody answers.
  void tell_about(const Call& call, std::string topic);

  void close(Error why);
  [[nodiscard]] bool open() const { return !closed_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static asio::awaitable<void> read_loop(std::shared_ptr<Connection> self);
  static asio::awaitable<void> write_loop(std::shared_ptr<Connection> self);
  bool greet(char auth_byte);
  bool receive(std::span<const char> bytes);
  void dispatch(Message message);
  void deliver(Call& call, Message message);
  void drop_replies(Call& call);
  void send(const Message& message);
  [[nodiscard]] Error gone(std::string_view why) const;
  std::uint32_t free_matchtag();

  asio::local::stream_protocol::socket socket_;
  std::string path_;
  Decoder decoder_;
  std::shared_ptr<Call> greeting_;
  std::shared_ptr<Call> events_;
  std::unordered_map<std::uint32_t, std::shared_ptr<Call>> calls_;  // by matchtag
  std::uint32_t last_matchtag_ = 0;
  std::string outgoing_;
  bool writing_ = false;
  bool wants_events_ = false;
  std::size_t held_bytes_ = 0;  // of replies and events that nobody has taken yet
  std::optional<Error> closed_;
};

}  // namespace fluxmetrics::flux
