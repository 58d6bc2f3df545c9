#include "http/stream.hpp"

#include <openssl/x509v3.h>
#include <optional>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

// Beast's and Asio SSL's non-template code, compiled once (BOOST_BEAST_/BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>

namespace fluxmetrics::http {

namespace asio = boost::asio;

struct Stream::Impl {
  Socket socket;
  std::optional<asio::ssl::stream<Socket&>> tls;

  // Asio's context owns what it is given, hence the extra reference; the stream only needs it while it is
  // made.
  void start_tls(const TlsContext& context) {
    SSL_CTX_up_ref(context.get());
    asio::ssl::context borrowed(context.get());
    tls.emplace(socket, borrowed);
  }
};

Stream::Stream(Socket socket)
    : impl_(std::make_unique<Impl>(Impl{.socket = std::move(socket), .tls = std::nullopt})) {}
Stream::~Stream() = default;

Stream::Socket& Stream::socket() {
  return impl_->socket;
}

asio::awaitable<void> Stream::wait_readable(ErrorCode& error) {
  co_await impl_->socket.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Stream::accept_tls(TlsContext context, ErrorCode& error) {
  impl_->start_tls(context);
  co_await impl_->tls->async_handshake(asio::ssl::stream_base::server,
                                       asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Stream::connect_tls(TlsContext context, std::string host, ErrorCode& error) {
  impl_->start_tls(context);
  SSL* ssl = impl_->tls->native_handle();
  ErrorCode not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (not_an_address) {
    // What SSL_set_tlsext_host_name() is, without its old-style cast.
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
    SSL_set1_host(ssl, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  }
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  co_await impl_->tls->async_handshake(asio::ssl::stream_base::client,
                                       asio::redirect_error(asio::use_awaitable, error));
}

std::string Stream::certificate_problem() const {
  if (!impl_->tls) return {};
  const long result = SSL_get_verify_result(impl_->tls->native_handle());
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

asio::awaitable<std::size_t> Stream::read_some(asio::mutable_buffer buffer, ErrorCode& error) {
  if (impl_->tls) {
    co_return co_await impl_->tls->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  co_return co_await impl_->socket.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Stream::write(std::array<asio::const_buffer, 2> buffers, ErrorCode& error) {
  if (impl_->tls) {
    co_await asio::async_write(*impl_->tls, buffers, asio::redirect_error(asio::use_awaitable, error));
  } else {
    co_await asio::async_write(impl_->socket, buffers, asio::redirect_error(asio::use_awaitable, error));
  }
}

asio::awaitable<void> Stream::finish() {
  ErrorCode ignored;
  if (impl_->tls) {
    co_await impl_->tls->async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
  }
  impl_->socket.shutdown(Socket::shutdown_send, ignored);
}

void Stream::abort() {
  ErrorCode ignored;
  impl_->socket.close(ignored);
}

}  // namespace fluxmetrics::http
