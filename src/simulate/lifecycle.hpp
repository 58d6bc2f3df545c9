// The life of the instance as a whole: it waits for its quorum, runs, and shuts down.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "flux/idset.hpp"
#include "simulate/timer_queue.hpp"

namespace fluxmetrics::simulate {

class Lifecycle {
 public:
  enum class State { quorum, run, cleanup, shutdown, finalize, gone };
  // Called as the instance goes down, in this order.
  struct Callbacks {
    std::function<void()> cancel_jobs;  // cleanup began: no job may start, those there are end
    std::function<void()> send_away;    // shutdown began: the other brokers leave
    std::function<void()> unload;       // during finalize: services end, and their streams with them
    std::function<void()> exit;         // the broker is gone
  };

  // The instance runs as soon as `quorum` ranks are online (0: at once).
  Lifecycle(TimerQueue& timers, std::uint32_t quorum, Callbacks callbacks);

  [[nodiscard]] State state() const { return state_; }
  // As state-machine.get names it.
  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] Time since() const { return since_; }
  // Whether the modules of rank 0 (jobs, resources, KVS) still answer.
  [[nodiscard]] bool loaded() const { return loaded_; }

  void on_members(const flux::IdSet& online);
  // What Flux does when it is told to end; a second call changes nothing.
  void shut_down();

 private:
  void enter(State state);

  TimerQueue& timers_;
  std::uint32_t quorum_;
  Callbacks callbacks_;
  State state_ = State::quorum;
  Time since_;
  bool loaded_ = true;
};

}  // namespace fluxmetrics::simulate
