#include "simulate/timer_queue.hpp"

#include <algorithm>
#include <utility>

namespace fluxmetrics::simulate {

TimerQueue::Id TimerQueue::after(double delay, Action action) {
  const Time due = now_ + std::max(delay, 0.0);
  const Id id = ++last_id_;
  actions_.emplace(Key{due, id}, std::move(action));
  times_.emplace(id, due);
  return id;
}

void TimerQueue::cancel(Id id) {
  const auto found = times_.find(id);
  if (found == times_.end()) return;
  actions_.erase(Key{found->second, id});
  times_.erase(found);
}

std::optional<Time> TimerQueue::next_due() const {
  if (actions_.empty()) return std::nullopt;
  return actions_.begin()->first.first;
}

void TimerQueue::advance(Time time) {
  while (!actions_.empty() && actions_.begin()->first.first <= time) {
    auto node = actions_.extract(actions_.begin());
    times_.erase(node.key().second);
    now_ = std::max(now_, node.key().first);
    node.mapped()();
  }
  now_ = std::max(now_, time);
}

}  // namespace fluxmetrics::simulate
