// The HTTP server: one port that speaks TLS and plain HTTP (the first byte tells), one thread.
#pragma once

#include <cstdint>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "base/result.hpp"
#include "http/handler.hpp"
#include "http/server_options.hpp"

namespace fluxmetrics::http {

class Server {
 public:
  // `handler` must live as long as the server.
  Server(ServerOptions options, Handler& handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();
  // Binds and listens; from here on clients can connect. Errors name host, port and cure (used port, no
  // permission, bad certificate).
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] std::uint16_t port() const;  // the bound one
  // From here on SIGINT and SIGTERM end run(true), also when they come before it. run(true) does it too.
  void catch_signals();
  // Serves until stop(), or SIGINT/SIGTERM when `handle_signals`; then drains open requests and returns.
  // After SIGTERM everything is served as before for the shutdown delay, with Request::server_ending set;
  // another signal ends the delay.
  void run(bool handle_signals);
  void stop();  // from any thread
  // What the serving thread runs; what is spawned on it ends with run().
  [[nodiscard]] boost::asio::any_io_executor executor();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::http
