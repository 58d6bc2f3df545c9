// The state that was published last, and whether another one is news.
#pragma once

#include <memory>

#include "instance/state.hpp"

namespace fluxmetrics::instance {

class PublishedState {
 public:
  // `state` as it is to be published: the same pointer as before as long as it is equal to that, which tells
  // everybody above that nothing changed. What equal means is InstanceState's own.
  const std::shared_ptr<const InstanceState>& renew(const InstanceState& state) {
    if (!state_ || *state_ != state) state_ = std::make_shared<const InstanceState>(state);
    return state_;
  }
  [[nodiscard]] const std::shared_ptr<const InstanceState>& get() const { return state_; }  // null: none yet

 private:
  std::shared_ptr<const InstanceState> state_;
};

}  // namespace fluxmetrics::instance
