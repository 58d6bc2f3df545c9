// A running server for the tests of this room, and a client that sends exactly the bytes it is told.
#pragma once

#include <arpa/inet.h>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/server.hpp"

namespace fluxmetrics::http {

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "http_test.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

// Answers with what it was asked: "METHOD TARGET tls|plain same|other".
inline Response echo(const Request& request) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::make_shared<std::string>(fmt::format("{} {} {} {}", request.method, request.target,
                                                            request.peer.tls ? "tls" : "plain",
                                                            request.peer.same_host ? "same" : "other"));
  if (const auto wish = find_header(request.headers, "X-Fail"); wish)
    throw std::runtime_error(std::string(*wish));
  return response;
}

// A handler made of a function; "/later..." is answered after a wait.
class FunctionHandler : public Handler {
 public:
  using Function = std::function<Response(const Request&)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  std::optional<Response> answer(const Request& request) override {
    if (request.target.starts_with("/later")) return std::nullopt;
    return function_(request);
  }
  boost::asio::awaitable<Response> answer_later(Request request) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, std::chrono::milliseconds(20));
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return function_(request);
  }

 private:
  Function function_;
};

class RunningServer {
 public:
  explicit RunningServer(ServerOptions options = {}, FunctionHandler::Function function = echo)
      : handler_(std::move(function)), server_(with_defaults(std::move(options)), handler_) {
    auto listening = server_.listen();
    EXPECT_TRUE(listening) << listening.error().message;
    thread_ = std::thread([this] { server_.run(false); });
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() { stop(); }
  void stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  Server& server() { return server_; }
  [[nodiscard]] std::string url(const std::string& scheme, const std::string& path) const {
    return fmt::format("{}://127.0.0.1:{}{}", scheme, port(), path);
  }

 private:
  static ServerOptions with_defaults(ServerOptions options) {
    options.host = "127.0.0.1";
    options.port = 0;
    return options;
  }
  FunctionHandler handler_;
  Server server_;
  std::thread thread_;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { ::close(fd_); }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool connected() const { return connected_; }
  void send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  // Reads until the text holds `wanted`, or the end of the connection, or 20 s have passed.
  std::string read_until(const std::string& wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (received_.find(wanted) == std::string::npos && std::chrono::steady_clock::now() < end && !closed_)
      step();
    return received_;
  }
  // Everything up to the end of the connection.
  std::string read_all() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end && !closed_)
      step();
    EXPECT_TRUE(closed_) << "the server keeps the connection open";
    return received_;
  }
  void forget() { received_.clear(); }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  void step() {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 100) <= 0) return;
    char bytes[65536];
    const auto count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count > 0) {
      received_.append(bytes, static_cast<std::size_t>(count));
    } else {
      closed_ = true;
    }
  }
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string received_;
};

}  // namespace fluxmetrics::http
