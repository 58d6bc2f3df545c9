// One client of the simulated broker: its socket, what was read of its next message, what is still to be
// written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "flux/message.hpp"
#include "simulate/request.hpp"

namespace fluxmetrics::simulate {

class Session final : public Peer, public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;
  struct Callbacks {
    std::function<void(const std::shared_ptr<Session>&, flux::Message)> message;
    std::function<void(const std::shared_ptr<Session>&)> closed;
  };

  // The client is cut off when more than `max_output` bytes wait for it to read them.
  Session(Socket socket, std::size_t max_output, Callbacks callbacks);

  // Checks who the client is (`owner` and root may come in, with `guests` everybody), tells it, and serves it
  // until one side ends.
  void start(std::uint32_t owner, bool guests);
  void send(const flux::Message& message) override;
  [[nodiscard]] std::optional<std::uint32_t> userid() const override { return userid_; }
  [[nodiscard]] bool stranger() const override { return stranger_; }
  void close();

 private:
  [[nodiscard]] bool admits_peer(std::uint32_t owner, bool guests);
  [[nodiscard]] static boost::asio::awaitable<void> read(std::shared_ptr<Session> self);
  [[nodiscard]] static boost::asio::awaitable<void> write(std::shared_ptr<Session> self);
  void enqueue(std::string bytes);

  Socket socket_;
  std::size_t max_output_;
  Callbacks callbacks_;
  std::optional<std::uint32_t> userid_;
  bool stranger_ = false;
  flux::Decoder decoder_;
  std::deque<std::string> output_;
  std::size_t output_bytes_ = 0;
  bool writing_ = false;
  bool closing_ = false;  // after the output is written
  bool closed_ = false;
};

}  // namespace fluxmetrics::simulate
