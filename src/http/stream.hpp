// One TCP connection, plain or TLS, behind one face.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/tls_context.hpp"
#include "http/tls_engine.hpp"

namespace fluxmetrics::http {

// Buffers passed to a call must live until the call has returned, as must the error code. Not thread-safe;
// one coroutine may read while another writes.
class Stream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;

  explicit Stream(Socket socket);

  // Waits until the peer has sent something (or hung up), and reads nothing.
  boost::asio::awaitable<void> wait_readable(ErrorCode& error);
  // From here on the connection is TLS. A client verifies that the certificate is for `host`.
  boost::asio::awaitable<void> accept_tls(TlsContext context, ErrorCode& error);
  boost::asio::awaitable<void> connect_tls(TlsContext context, std::string host, ErrorCode& error);
  // Null for a plain connection.
  [[nodiscard]] const TlsEngine* tls() const { return tls_ ? &*tls_ : nullptr; }

  // Zero bytes with an error at the end of the connection.
  boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer buffer, ErrorCode& error);
  boost::asio::awaitable<void> write(std::string_view bytes, ErrorCode& error);
  // Writes without waiting; says how much of `bytes` is done with, the rest is for write(). A TLS connection
  // keeps what the socket does not take yet, so all of `bytes` is done with, but flush_due() then.
  [[nodiscard]] std::size_t write_now(std::string_view bytes, ErrorCode& error);
  [[nodiscard]] bool flush_due() const { return tls_ && tls_->output().size() > flushed_; }
  // Waits until what write_now() left is sent: what the engine kept, or `rest`.
  boost::asio::awaitable<void> write_rest(std::string_view rest, ErrorCode& error);

  // Says goodbye: TLS close_notify both ways, or the end of what we send.
  boost::asio::awaitable<void> finish();
  // Ends every operation under way with an error.
  void abort();

  [[nodiscard]] Socket& socket() { return socket_; }

 private:
  boost::asio::awaitable<void> shake_hands(ErrorCode& error);
  boost::asio::awaitable<void> flush(ErrorCode& error);
  boost::asio::awaitable<void> receive_ciphertext(ErrorCode& error);
  [[nodiscard]] std::size_t send_now(std::string_view bytes, ErrorCode& error);

  Socket socket_;
  std::optional<TlsEngine> tls_;
  std::size_t flushed_ = 0;         // of the engine's output
  bool sending_ = false;            // flush() is at work
  ErrorCode unsent_;                // why the last flush() has not sent all
  boost::asio::steady_timer sent_;  // waited for by a flush() that finds another one at work
  std::vector<char> ciphertext_;
};

}  // namespace fluxmetrics::http
