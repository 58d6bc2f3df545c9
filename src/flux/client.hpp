// A client of one broker over its local socket: pipelined RPCs and streams, each with its own deadline.
// All members run on the executor of the io_context that connect() was called on; nothing here is
// thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "flux/message.hpp"
#include "flux/rpc.hpp"

namespace fluxmetrics::flux {

namespace asio = boost::asio;

class Client;
class Connection;
struct Call;

// The replies of one streaming RPC, in order. Replies wait here until next() takes them; an unread stream is
// bounded by what one connection may hold back (256 MiB), beyond which the connection is closed.
// Destroying an open stream cancels it at the broker where the service knows how.
class Stream {
 public:
  Stream(std::shared_ptr<Client> client, std::shared_ptr<Call> call);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();
  // The next reply's JSON text. Errors: errnum ENODATA = normal end, another errnum = the peer's failure;
  // Code::unavailable when the connection went; Code::timed_out after `deadline` (the stream stays open).
  // A default deadline of zero waits for ever. Only one next() of a stream may wait at a time.
  // Replies that came before the connection went are still given.
  [[nodiscard]] asio::awaitable<Result<std::string>> next(std::chrono::milliseconds deadline = {});
  // Sends the request `topic` with the stream's matchtag, to which there is no answer.
  void notify(std::string topic);

 private:
  std::shared_ptr<Client> client_;
  std::shared_ptr<Call> call_;
};

// A client must not outlive the io_context. Destroying it closes the connection, even with operations
// pending.
class Client : public std::enable_shared_from_this<Client> {
 public:
  // Connects to the unix socket `path`, retries EAGAIN (the broker's backlog is 5) within `deadline`, and
  // reads the auth byte. Errors: Code::unavailable (no socket, refused, broker going away), Code::denied
  // (EPERM byte), Code::invalid (a path no unix socket can have), Code::timed_out (also a broker that is
  // stopped: it accepts and says nothing). The sentence names the path.
  [[nodiscard]] static asio::awaitable<Result<std::shared_ptr<Client>>> connect(
      std::string path, std::chrono::milliseconds deadline = std::chrono::seconds(5));
  explicit Client(std::shared_ptr<Connection> connection);  // connect() makes clients
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // One request, one reply. `payload` is JSON text, "" for none. Returns the reply's JSON text ("" when it
  // has none). Errors: the peer's errnum with its text (strerror when it sends none) and Code: ENOSYS
  // unsupported, EPERM denied, ENOENT not_found, EINVAL and EEXIST invalid, EHOSTUNREACH, EBUSY and the like
  // unavailable, else protocol; Code::timed_out; Code::unavailable when disconnected.
  [[nodiscard]] asio::awaitable<Result<std::string>> rpc(std::string topic, std::string payload = "{}",
                                                         RpcOptions options = {});
  // As rpc(), for a reply that may be large: it goes to `sink` in pieces, and is never held as a whole. A
  // failed call may have fed the sink a part. One at a time on a connection, which closes when the reply is
  // late: its pieces could not be told from those of the next call.
  [[nodiscard]] asio::awaitable<Result<void>> rpc_to(PayloadSink sink, std::string topic,
                                                     std::string payload = "{}", RpcOptions options = {});
  // Starts a streaming RPC; it does not wait for the first reply. Errors: Code::unavailable when
  // disconnected.
  [[nodiscard]] asio::awaitable<Result<std::unique_ptr<Stream>>> stream(std::string topic,
                                                                        std::string payload = "{}",
                                                                        RpcOptions options = {});
  // Subscribes to events whose topic starts with `prefix`; event messages are delivered by next_event(), in
  // order.
  [[nodiscard]] asio::awaitable<Result<void>> subscribe(std::string prefix);
  [[nodiscard]] asio::awaitable<Result<Message>> next_event(std::chrono::milliseconds deadline = {});

  // Fails everything pending with Code::unavailable and closes the socket. Idempotent.
  void close(std::string reason = "closed by this program");
  [[nodiscard]] bool connected() const;

 private:
  friend class Stream;
  std::shared_ptr<Connection> connection_;
};

}  // namespace fluxmetrics::flux
