#include "http/stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace fluxmetrics::http {

namespace asio = boost::asio;
using Progress = TlsEngine::Progress;

namespace {

constexpr std::size_t ciphertext_size = 4096;

}  // namespace

Stream::Stream(Socket socket)
    : socket_(std::move(socket)), sent_(socket_.get_executor(), asio::steady_timer::time_point::max()) {
  ErrorCode ignored;
  socket_.non_blocking(true, ignored);
}

asio::awaitable<void> Stream::wait_readable(ErrorCode& error) {
  co_await socket_.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Stream::accept_tls(TlsContext context, ErrorCode& error) {
  tls_.emplace(TlsEngine::server(context));
  co_await shake_hands(error);
}

asio::awaitable<void> Stream::connect_tls(TlsContext context, std::string host, ErrorCode& error) {
  tls_.emplace(TlsEngine::client(context, host));
  co_await shake_hands(error);
}

// A failed handshake still sends the alert that tells the peer why.
asio::awaitable<void> Stream::shake_hands(ErrorCode& error) {
  Progress progress = Progress::needs_input;
  while (progress == Progress::needs_input) {
    progress = tls_->handshake();
    ErrorCode unsent;
    co_await flush(unsent);
    if (progress == Progress::needs_input && unsent) error = unsent;
    if (progress == Progress::needs_input && !error) co_await receive_ciphertext(error);
    if (error) co_return;
  }
  if (progress != Progress::done) error = asio::error::connection_aborted;
}

asio::awaitable<void> Stream::receive_ciphertext(ErrorCode& error) {
  ciphertext_.resize(ciphertext_size);
  const std::size_t count = co_await socket_.async_read_some(
      asio::buffer(ciphertext_), asio::redirect_error(asio::use_awaitable, error));
  tls_->feed({ciphertext_.data(), count});
}

asio::awaitable<std::size_t> Stream::read_some(asio::mutable_buffer buffer, ErrorCode& error) {
  if (!tls_) {
    co_return co_await socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  }
  if (tls_->drained()) co_await receive_ciphertext(error);
  while (!error) {
    std::size_t count = 0;
    switch (tls_->read({static_cast<char*>(buffer.data()), buffer.size()}, count)) {
      case Progress::done:
        co_return count;
      case Progress::closed:
        error = asio::error::eof;
        break;
      case Progress::failed:
        error = asio::error::connection_aborted;
        break;
      case Progress::needs_input:
        if (flush_due() && !sending_) co_await flush(error);  // the answer to a key update, say
        if (!error) co_await receive_ciphertext(error);
        break;
    }
  }
  co_return 0;
}

std::size_t Stream::send_now(std::string_view bytes, ErrorCode& error) {
  const std::size_t count = socket_.send(asio::buffer(bytes), 0, error);
  if (error == asio::error::would_block) error = {};
  return count;
}

std::size_t Stream::write_now(std::string_view bytes, ErrorCode& error) {
  if (!tls_) return send_now(bytes, error);
  if (tls_->write(bytes) != Progress::done) {
    error = asio::error::connection_aborted;
    return 0;
  }
  if (sending_) return bytes.size();
  flushed_ += send_now(tls_->output().substr(flushed_), error);
  if (!flush_due()) {
    tls_->sent();
    flushed_ = 0;
  }
  return bytes.size();
}

asio::awaitable<void> Stream::flush(ErrorCode& error) {
  if (sending_) {  // whoever is at it sends this, too
    ErrorCode ignored;
    while (sending_)
      co_await sent_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    error = unsent_;
    co_return;
  }
  sending_ = true;
  while (flush_due() && !error) {
    const std::string rest(tls_->output().substr(flushed_));  // the engine may add to its output meanwhile
    tls_->sent();
    flushed_ = 0;
    co_await asio::async_write(socket_, asio::buffer(rest), asio::redirect_error(asio::use_awaitable, error));
  }
  sending_ = false;
  unsent_ = error;
  sent_.cancel();
}

asio::awaitable<void> Stream::write(std::string_view bytes, ErrorCode& error) {
  bytes.remove_prefix(write_now(bytes, error));
  if (!error) co_await write_rest(bytes, error);
}

asio::awaitable<void> Stream::write_rest(std::string_view rest, ErrorCode& error) {
  if (flush_due()) co_await flush(error);
  if (rest.empty()) co_return;
  co_await asio::async_write(socket_, asio::buffer(rest), asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Stream::finish() {
  ErrorCode ended;
  if (tls_) {
    tls_->close();
    co_await flush(ended);
  }
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  // Closing with bytes unread would reset the connection, and the peer might lose our last ones.
  if (tls_ && !ended) co_await receive_ciphertext(ended);
}

void Stream::abort() {
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace fluxmetrics::http
