// The contact with one broker: two connections, one for streams (which say that something changed) and one
// for polls (which say what), and who that broker is.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "flux/client.hpp"
#include "instance/queries.hpp"
#include "instance/rpc_times.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::instance {

class BrokerContact {
 public:
  // `times` takes how long each question took, and must live as long as this.
  BrokerContact(std::string socket_path, Clock clock, RpcTimes& times)
      : socket_path_(std::move(socket_path)), clock_(std::move(clock)), times_(times) {}

  // Connects and asks the broker who it is; with `follow_to_top` goes on from a sub-instance to its top
  // instance. Fills in what `state` tells of the broker. Errors: a sentence with the socket's path.
  [[nodiscard]] Task<void> open(bool follow_to_top, InstanceState& state);
  // Hangs up, for `reason`.
  void close(const std::string& reason);

  // Of the broker that open() ended at.
  [[nodiscard]] const std::string& socket_path() const { return socket_path_; }
  // Only after open() did well.
  [[nodiscard]] flux::Client& streams() const { return *streams_; }
  [[nodiscard]] const std::shared_ptr<flux::Client>& polls() const { return polls_; }
  [[nodiscard]] Queries& queries() const { return *queries_; }

 private:
  [[nodiscard]] Task<void> connect();
  [[nodiscard]] Task<void> identify(InstanceState& state);
  [[nodiscard]] Task<void> go_to_top(InstanceState& state);
  [[nodiscard]] Task<void> learn_role(InstanceState& state);

  std::string socket_path_;
  Clock clock_;
  RpcTimes& times_;
  std::shared_ptr<flux::Client> streams_, polls_;
  std::unique_ptr<Queries> queries_;
};

}  // namespace fluxmetrics::instance
