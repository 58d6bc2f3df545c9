// A simulated Flux instance behind a socket, on a thread of its own: what the simulate command runs, and the
// only double of a broker that tests and the demo use.
//
//   simulate::Server server({.size = 2, .max_size = 4, .cores = 8});
//   auto started = server.start();        // a Result<void>
//   ... talk to server.socket_path(), or look inside with server.with([](Instance& i) { ... });
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "simulate/instance.hpp"
#include "simulate/options.hpp"

namespace fluxmetrics::simulate {

class Server {
 public:
  explicit Server(Options options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // stops

  // Binds the socket and serves on a new thread. Errors: those of check(); Code::invalid for a socket path
  // that is too long or in use; Code::io when the system refuses it. The sentence names the path.
  [[nodiscard]] Result<void> start();
  // Called once, on the server's thread, when the instance shut itself down (Instance::shut_down); before
  // start().
  void on_exit(std::function<void()> told);
  // Closes all connections, as a broker that dies, and removes the socket. Idempotent.
  void stop();

  [[nodiscard]] const std::string& socket_path() const;
  [[nodiscard]] std::string uri() const;  // local:///...

  // Runs `look` on the server's thread, with the clock brought up to now, and waits for it. Only between
  // start() and stop(), and never from within `look`.
  void with(const std::function<void(Instance&)>& look);
  // Every connection is closed, as when a broker restarts; new ones are welcome.
  void drop_clients();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxmetrics::simulate
