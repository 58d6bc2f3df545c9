// One TCP connection, plain or TLS, behind one face: the only place (stream.cpp) where Asio's SSL is
// instantiated.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "http/tls_context.hpp"

namespace fluxmetrics::http {

// Buffers passed to a call must live until the call has returned, as must the error code. Not thread-safe.
class Stream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;

  explicit Stream(Socket socket);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // Waits until the peer has sent something (or hung up), and reads nothing.
  boost::asio::awaitable<void> wait_readable(ErrorCode& error);
  // From here on the connection is TLS. A client verifies that the certificate is for `host`.
  boost::asio::awaitable<void> accept_tls(TlsContext context, ErrorCode& error);
  boost::asio::awaitable<void> connect_tls(TlsContext context, std::string host, ErrorCode& error);
  // Why the peer's certificate was not accepted; "" when that was not the problem.
  [[nodiscard]] std::string certificate_problem() const;

  // Zero bytes with an error at the end of the connection.
  boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer buffer, ErrorCode& error);
  boost::asio::awaitable<void> write(std::array<boost::asio::const_buffer, 2> buffers, ErrorCode& error);
  // Says goodbye: TLS close_notify both ways, or the end of what we send.
  boost::asio::awaitable<void> finish();
  // Ends every operation under way with an error.
  void abort();

  [[nodiscard]] Socket& socket();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::http
