// An instance's state as messages: all of it, and what changed since. The broker module sends them,
// StateReader puts them together again. docs/broker-module.md describes them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::instance {

// Which state a message is about: the number of the state, and when the broker confirmed it.
struct StateStamp {
  std::uint64_t generation = 0;
  WallTime confirmed;
};

// One document: state_json(), "generation", and "exact" with what that document leaves out. "" when it would
// hold more than `most_jobs`.
[[nodiscard]] std::string state_document(const InstanceState& state, StateStamp stamp, std::size_t most_jobs);

// The messages that turn `before` into `after`, in order; null = nothing is known yet. There is more than one
// when there are many jobs, so that no message is large. Each is written when it is asked for, so
// that a slow reader costs no memory.
class StateMessages {
 public:
  StateMessages(std::shared_ptr<const InstanceState> before, std::shared_ptr<const InstanceState> after,
                StateStamp stamp);
  StateMessages(const StateMessages&) = delete;
  StateMessages& operator=(const StateMessages&) = delete;
  ~StateMessages();
  // There is at least one.
  [[nodiscard]] bool over() const;
  // Only while it is not over().
  [[nodiscard]] std::string next();

 private:
  struct Jobs;
  std::shared_ptr<const InstanceState> before_;
  std::shared_ptr<const InstanceState> after_;
  StateStamp stamp_;
  std::unique_ptr<Jobs> jobs_;  // that are not told yet; null: nothing is told yet
};

// All of them.
[[nodiscard]] std::vector<std::string> state_messages(const InstanceState* before, const InstanceState& after,
                                                      StateStamp stamp);

// The state that was told last holds still.
[[nodiscard]] std::string confirmation_message(StateStamp stamp);

}  // namespace fluxmetrics::instance
