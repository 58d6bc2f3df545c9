// A Flux client for programs that wait for each answer: command line tools, the demo, tests.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/client.hpp"

namespace fluxmetrics::flux {

class BlockingClient {
 public:
  // Errors: as Client::connect().
  [[nodiscard]] static Result<std::unique_ptr<BlockingClient>> connect(const std::string& socket_path);

  // One RPC; the reply as JSON, null when it has no payload. Errors: as Client::rpc().
  [[nodiscard]] Result<boost::json::value> rpc(const std::string& topic, const boost::json::value& request,
                                               RpcOptions options = {});

  // Runs `task` (which uses client()) to its end.
  template <class T>
  [[nodiscard]] T wait_for(boost::asio::awaitable<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(io_, std::move(task), [&](const std::exception_ptr& failure, T value) {
      if (failure) std::rethrow_exception(failure);
      result.emplace(std::move(value));
    });
    io_.restart();
    while (!result)
      io_.run_one();
    return std::move(*result);
  }
  [[nodiscard]] const std::shared_ptr<Client>& client() const { return client_; }

 private:
  boost::asio::io_context io_{1};
  std::shared_ptr<Client> client_;
};

}  // namespace fluxmetrics::flux
