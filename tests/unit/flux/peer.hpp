// A tiny peer that plays the broker on a unix socket: each test scripts what it says.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "flux/client.hpp"
#include "flux/message.hpp"

namespace fluxmetrics::flux {

using namespace std::chrono_literals;

// One accepted connection.
class Session {
 public:
  explicit Session(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}

  // The next message of the client; throws when it hangs up.
  asio::awaitable<Message> receive() {
    for (;;) {
      if (auto message = decoder_.next()) co_return *std::move(message);
      std::vector<char> chunk(65536);
      const auto buffer = asio::buffer(chunk);
      const auto count = co_await socket_.async_read_some(buffer, asio::use_awaitable);
      if (!decoder_.feed({chunk.data(), count})) throw std::runtime_error("the client sent garbage");
    }
  }

  asio::awaitable<void> write(std::string bytes) {
    const auto buffer = asio::buffer(bytes);
    co_await asio::async_write(socket_, buffer, asio::use_awaitable);
  }

  asio::awaitable<void> welcome() { return write(std::string(1, '\0')); }
  asio::awaitable<void> reply(Message request, std::string payload) {
    return write(encode(response(std::move(request), 0, std::move(payload))));
  }
  asio::awaitable<void> refuse(Message request, int errnum, std::string text) {
    return write(encode(response(std::move(request), errnum, std::move(text))));
  }

  static Message response(Message request, int errnum, std::string payload) {
    Message message;
    message.type = MessageType::response;
    message.flags = flag::topic | flag::route;
    message.flags |= request.flags & flag::streaming;
    if (!payload.empty()) message.flags |= flag::payload;
    message.rolemask = 5;
    message.userid = 0;
    message.aux1 = static_cast<std::uint32_t>(errnum);
    message.aux2 = request.aux2;
    message.topic = std::move(request.topic);
    message.payload = std::move(payload);
    return message;
  }

  asio::local::stream_protocol::socket& socket() { return socket_; }

 private:
  asio::local::stream_protocol::socket socket_;
  Decoder decoder_;
};

class PeerTest : public testing::Test {
 protected:
  using Script = std::function<asio::awaitable<void>(std::shared_ptr<Session>)>;
  using Body = std::function<asio::awaitable<void>()>;

  ~PeerTest() override { std::filesystem::remove(path_); }

  // Accepts one connection and plays `script` on it.
  void serve(Script script) {
    acceptor_.emplace(io_, asio::local::stream_protocol::endpoint(path_));
    asio::co_spawn(io_, accept_one(std::move(script)), asio::detached);
  }

  // Runs `body` to its end.
  void run(Body body) {
    bool done = false;
    asio::co_spawn(io_, body, [&](const std::exception_ptr& failure) {
      EXPECT_FALSE(failure) << "the test's coroutine threw";
      done = true;
      io_.stop();
    });
    io_.restart();
    io_.run_for(60s);
    EXPECT_TRUE(done) << "the test did not end";
  }

  // As most tests begin: connects, and gives the client to `body`.
  void run_connected(std::function<asio::awaitable<void>(std::shared_ptr<Client>)> body) {
    run([this, body]() -> asio::awaitable<void> {
      auto connecting = Client::connect(path_, 20s);
      auto client = co_await std::move(connecting);
      EXPECT_TRUE(client) << (client ? "" : client.error().message);
      if (client) co_await body(*client);
    });
  }

  static asio::awaitable<void> pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

  asio::io_context io_;

 private:
  asio::awaitable<void> accept_one(Script script) {
    auto socket = co_await acceptor_->async_accept(asio::use_awaitable);
    auto session = std::make_shared<Session>(std::move(socket));
    co_await script(session);
    // The connection stays open until the test ends, or the script closed it.
    sessions_.push_back(session);
  }

  std::string path_ = testing::TempDir() + "flux-peer-" + std::to_string(::getpid());
  std::optional<asio::local::stream_protocol::acceptor> acceptor_;
  std::vector<std::shared_ptr<Session>> sessions_;
};

}  // namespace fluxmetrics::flux
