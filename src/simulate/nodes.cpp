#include "simulate/nodes.hpp"

#include <algorithm>
#include <utility>

#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {

Nodes::Nodes(TimerQueue& timers, std::uint32_t size, std::uint32_t online, Callbacks callbacks)
    : timers_(timers),
      callbacks_(std::move(callbacks)),
      nodes_(size),
      lives_(size),
      status_since_(timers.now()) {
  for (std::uint32_t rank = 0; rank < size; ++rank) {
    nodes_[rank].since = timers.now();
    if (rank >= online) continue;
    nodes_[rank].health = Health::full;
    members_.insert(rank);
  }
}

std::string_view Nodes::status() const {
  const auto any = [&](Health health) {
    return std::ranges::any_of(nodes_, [&](const Node& node) { return node.health == health; });
  };
  if (any(Health::lost)) return "degraded";
  return any(Health::offline) ? "partial" : "full";
}

void Nodes::change(flux::IdSet::Id rank, Health health, std::string error) {
  const std::string_view before = status();
  nodes_.at(rank) = {.health = health, .since = timers_.now(), .error = std::move(error)};
  ++lives_.at(rank);
  if (status() != before) status_since_ = timers_.now();
  callbacks_.health();
}

void Nodes::join(flux::IdSet::Id rank) {
  if (alive(rank)) return;
  change(rank, Health::full, "");
  timers_.after(timing::join, [this, rank, life = lives_[rank]] {
    if (lives_[rank] == life) announce(rank, true);
  });
}

void Nodes::lose(flux::IdSet::Id rank, Health as, std::string error) {
  if (!alive(rank)) return;
  change(rank, as, std::move(error));
  announce(rank, false);
}

void Nodes::supersede(flux::IdSet::Id rank) {
  lose(rank, Health::lost, "lost connection");
  flush();
}

void Nodes::announce(flux::IdSet::Id rank, bool present) {
  // Within one batch only the last word counts.
  (present ? coming_ : going_).insert(rank);
  (present ? going_ : coming_).erase(rank);
  if (std::exchange(flush_armed_, true)) return;
  timers_.after(timing::groups_batch, [this] { flush(); });
}

void Nodes::flush() {
  flush_armed_ = false;
  const flux::IdSet came = std::exchange(coming_, {}) - members_;
  const flux::IdSet went = std::exchange(going_, {}) & members_;
  if (came.empty() && went.empty()) return;
  members_ = (members_ | came) - went;
  callbacks_.members(came, went);
}

}  // namespace fluxmetrics::simulate
