// The HTTP server: one port that speaks TLS and plain HTTP (the first byte tells), one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/handler.hpp"
#include "http/tls.hpp"

namespace fluxmetrics::http {

struct ServerOptions {
  std::string host = "0.0.0.0";  // an address or a name
  std::uint16_t port = 8443;     // 0 = any free port
  ServingCertificate certificate = {};
  std::size_t max_header_bytes = 64U << 10U;  // of one head
  // Of all that was read and is not yet a request; beyond it clients with large heads are turned away.
  std::size_t max_unread_bytes = 48U << 20U;
  std::size_t max_body_bytes = 3U << 20U;  // read and dropped
  Seconds header_timeout{32};              // for a TLS hello and for a whole request head
  Seconds answer_timeout{60};              // for a handler that waits
  Seconds idle_timeout{90};                // between requests
  std::size_t max_connections = 4096;      // fewer where this process may not open so many files
  Seconds shutdown_delay{0};  // after SIGTERM: time to leave a Service's endpoints before listening ends
};

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
