// Requests that wait for somebody else's answer: how many may at the same time, and for how long.
#pragma once

#include <cstddef>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"

namespace fluxmetrics::api {

// Used on one executor, the serving one.
class Waiting {
 public:
  // `most`: 0 = any number.
  explicit Waiting(std::size_t most) : most_(most) {}
  [[nodiscard]] bool full() const { return most_ > 0 && waits_.size() >= most_; }

  // Whether the work is done before the time is up or end_all() comes; else it goes on by itself, so that
  // what it learns may be remembered. What it throws is thrown here.
  boost::asio::awaitable<bool> wait(boost::asio::awaitable<void> work, Seconds at_most);
  // Nobody waits any more, neither who does now nor who comes later.
  void end_all();
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  struct Wait;
  struct Place;
  std::size_t most_;
  bool ended_ = false;
  std::unordered_set<Wait*> waits_;  // owned by those who wait: they may not outlive their executor
};

}  // namespace fluxmetrics::api
