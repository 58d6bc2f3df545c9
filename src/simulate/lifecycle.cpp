#include "simulate/lifecycle.hpp"

#include <utility>

#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {

Lifecycle::Lifecycle(TimerQueue& timers, std::uint32_t quorum, Callbacks callbacks)
    : timers_(timers), quorum_(quorum), callbacks_(std::move(callbacks)), since_(timers.now()) {}

std::string_view Lifecycle::name() const {
  switch (state_) {
    case State::quorum:
      return "quorum";
    case State::run:
      return "run";
    case State::cleanup:
      return "cleanup";
    case State::shutdown:
      return "shutdown";
    case State::finalize:
      return "finalize";
    case State::gone:
      return "exit";
  }
  return "";
}

void Lifecycle::enter(State state) {
  state_ = state;
  since_ = timers_.now();
}

void Lifecycle::on_members(const flux::IdSet& online) {
  // Once it runs, it runs: ranks that leave later are lost, not missing.
  if (state_ == State::quorum && online.size() >= quorum_) enter(State::run);
}

void Lifecycle::shut_down() {
  if (state_ != State::quorum && state_ != State::run) return;
  enter(State::cleanup);
  callbacks_.cancel_jobs();
  timers_.after(timing::ending_cleanup, [this] {
    enter(State::shutdown);
    callbacks_.send_away();
  });
  timers_.after(timing::ending_cleanup + timing::ending_shutdown, [this] { enter(State::finalize); });
  timers_.after(timing::ending_cleanup + timing::ending_shutdown + timing::ending_unload, [this] {
    loaded_ = false;
    callbacks_.unload();
  });
  timers_.after(timing::ending_cleanup + timing::ending_shutdown + timing::ending_exit, [this] {
    enter(State::gone);
    callbacks_.exit();
  });
}

}  // namespace fluxmetrics::simulate
