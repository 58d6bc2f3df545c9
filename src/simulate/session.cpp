#include "simulate/session.hpp"

#include <cerrno>
#include <span>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/log.hpp"

namespace fluxmetrics::simulate {

namespace asio = boost::asio;

namespace {

// Errors come back as values, not as exceptions.
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

}  // namespace

Session::Session(Socket socket, std::size_t max_output, Callbacks callbacks)
    : socket_(std::move(socket)), max_output_(max_output), callbacks_(std::move(callbacks)) {}

bool Session::admits_peer(std::uint32_t owner, bool guests) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
  userid_ = credentials.uid;
  stranger_ = credentials.uid != owner && credentials.uid != 0;
  return guests || !stranger_;
}

void Session::start(std::uint32_t owner, bool guests) {
  // One byte tells the client whether it may stay: 0, or why not.
  if (!admits_peer(owner, guests)) {
    closing_ = true;
    return enqueue(std::string(1, static_cast<char>(EPERM)));
  }
  enqueue(std::string(1, '\0'));
  asio::co_spawn(socket_.get_executor(), read(shared_from_this()), asio::detached);
}

asio::awaitable<void> Session::read(std::shared_ptr<Session> self) {
  std::vector<char> buffer(std::size_t{64} << 10U);
  while (!self->closed_) {
    const auto [error, size] = co_await self->socket_.async_read_some(asio::buffer(buffer), as_result);
    if (error) break;
    // What is no message ends the connection, without a word.
    if (!self->decoder_.feed(std::span<const char>(buffer.data(), size))) break;
    while (!self->closed_) {
      auto message = self->decoder_.next();
      if (!message) break;
      self->callbacks_.message(self, std::move(*message));
    }
  }
  self->close();
}

void Session::send(const flux::Message& message) {
  enqueue(flux::encode(message));
}

void Session::enqueue(std::string bytes) {
  if (closed_) return;
  output_bytes_ += bytes.size();
  output_.push_back(std::move(bytes));
  if (output_bytes_ > max_output_) {
    log::warning("a client of the simulated broker does not read: {} bytes wait for it, it is cut off",
                 output_bytes_);
    return close();
  }
  if (!std::exchange(writing_, true))
    asio::co_spawn(socket_.get_executor(), write(shared_from_this()), asio::detached);
}

asio::awaitable<void> Session::write(std::shared_ptr<Session> self) {
  while (!self->output_.empty() && !self->closed_) {
    const std::string bytes = std::move(self->output_.front());
    self->output_.pop_front();
    const auto [error, written] = co_await asio::async_write(self->socket_, asio::buffer(bytes), as_result);
    self->output_bytes_ -= bytes.size();
    if (error) self->close();
  }
  self->writing_ = false;
  if (self->closing_) self->close();
}

void Session::close() {
  if (std::exchange(closed_, true)) return;
  boost::system::error_code ignored;
  socket_.close(ignored);
  output_.clear();
  // Later: whoever is sending right now may be walking over the streams that this takes away.
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->callbacks_.closed(self); });
}

}  // namespace fluxmetrics::simulate
