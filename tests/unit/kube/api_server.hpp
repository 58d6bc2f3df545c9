// An API server in the test's own process and thread: answers with what the test says, keeps watches open,
// and remembers what it was asked.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "kube/rest_client.hpp"

namespace fluxmetrics::kube {

struct Asked {
  std::string method;
  std::string target;
  http::Headers headers;
  std::string body;
  [[nodiscard]] std::string header(std::string_view name) const {
    return std::string(http::find_header(headers, name).value_or("none"));
  }
};

struct Answer {
  int status = 200;
  std::string body = "{}";
  enum class Then { keep, close, hang_up, watch } then = Then::keep;  // hang_up: no answer at all
};

class ApiServer {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  explicit ApiServer(boost::asio::io_context& io)
      : acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}) {
    std::string name = (std::filesystem::temp_directory_path() / "kube_test.XXXXXX").string();
    ::close(::mkstemp(name.data()));
    std::ofstream(name) << "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
                        << "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:"
                        << acceptor_.local_endpoint().port() << "'}}]\n";
    kubeconfig_ = name;
    boost::asio::co_spawn(io, accept_all(), boost::asio::detached);
  }
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;
  ~ApiServer() { std::remove(kubeconfig_.c_str()); }

  std::function<Answer(const Asked&)> answer = [](const Asked&) { return Answer(); };
  std::vector<Asked> asked;
  int connections = 0;

  [[nodiscard]] AccessSource access() const { return AccessSource::kubeconfig(kubeconfig_); }
  [[nodiscard]] std::size_t watches() const { return watches_.size(); }
  // To every open watch.
  void tell(const std::string& event) {
    for (const auto& socket : watches_)
      send(*socket, fmt::format("{:x}\r\n{}\n\r\n", event.size() + 1, event));
  }
  // Ends them, as a server does when their time is up, or in the middle.
  void end_watches() {
    for (const auto& socket : std::exchange(watches_, {}))
      send(*socket, "0\r\n\r\n");
  }
  void break_watches() {
    for (const auto& socket : std::exchange(watches_, {}))
      socket->close();
  }

 private:
  boost::asio::awaitable<void> accept_all() {
    for (;;) {
      auto socket = std::make_shared<Socket>(co_await acceptor_.async_accept(boost::asio::use_awaitable));
      ++connections;
      boost::asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), boost::asio::detached);
    }
  }

  boost::asio::awaitable<void> serve(std::shared_ptr<Socket> socket) {
    std::string bytes;
    for (;;) {
      boost::system::error_code error;
      const auto head = co_await boost::asio::async_read_until(
          *socket, boost::asio::dynamic_buffer(bytes), "\r\n\r\n",
          boost::asio::redirect_error(boost::asio::use_awaitable, error));
      if (error) co_return;
      auto request = parse(bytes.substr(0, head));
      bytes.erase(0, head);
      const auto length = http::find_header(request.headers, "Content-Length");
      const std::size_t size = length ? std::stoul(std::string(*length)) : 0;
      if (bytes.size() < size) {
        co_await boost::asio::async_read(*socket, boost::asio::dynamic_buffer(bytes),
                                         boost::asio::transfer_exactly(size - bytes.size()),
                                         boost::asio::redirect_error(boost::asio::use_awaitable, error));
        if (error) co_return;
      }
      request.body = bytes.substr(0, size);
      bytes.erase(0, size);
      asked.push_back(request);
      const auto reply = answer(request);
      if (reply.then == Answer::Then::hang_up) co_return;
      if (reply.then == Answer::Then::watch) {
        send(*socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        watches_.push_back(socket);
        co_return;
      }
      send(*socket, fmt::format("HTTP/1.1 {} x\r\nContent-Length: {}\r\n\r\n{}", reply.status,
                                reply.body.size(), reply.body));
      if (reply.then == Answer::Then::close) co_return;
    }
  }

  static Asked parse(const std::string& head) {
    Asked request;
    const auto line_end = head.find("\r\n");
    const auto first = head.find(' ');
    const auto second = head.find(' ', first + 1);
    request.method = head.substr(0, first);
    request.target = head.substr(first + 1, second - first - 1);
    for (auto at = line_end + 2; at < head.size();) {
      const auto end = head.find("\r\n", at);
      const auto colon = head.find(": ", at);
      if (colon < end)
        request.headers.emplace_back(head.substr(at, colon - at), head.substr(colon + 2, end - colon - 2));
      at = end + 2;
    }
    return request;
  }

  static void send(Socket& socket, const std::string& text) {
    boost::system::error_code ignored;
    boost::asio::write(socket, boost::asio::buffer(text), ignored);
  }

  boost::asio::ip::tcp::acceptor acceptor_;
  std::string kubeconfig_;
  std::vector<std::shared_ptr<Socket>> watches_;
};

// Runs one coroutine to its end.
template <class T>
T finish(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  std::optional<T> result;
  boost::asio::co_spawn(io, std::move(work), [&result](const std::exception_ptr& fault, T value) {
    EXPECT_FALSE(fault);
    result = std::move(value);
  });
  io.restart();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!result && std::chrono::steady_clock::now() < end)
    io.run_one_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(result) << "it never ended";
  return std::move(*result);
}

// Runs until something is so; false when it never was.
template <class Condition>
[[nodiscard]] bool run_until(boost::asio::io_context& io, Condition is_so) {
  io.restart();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!is_so() && std::chrono::steady_clock::now() < end)
    io.run_one_for(std::chrono::milliseconds(100));
  return is_so();
}

}  // namespace fluxmetrics::kube
