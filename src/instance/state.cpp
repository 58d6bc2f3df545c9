#include "instance/state.hpp"

#include <ranges>

namespace fluxmetrics::instance {

flux::IdSet InstanceState::drained() const {
  flux::IdSet ranks;
  for (const auto& drain : drains)
    ranks |= drain.ranks;
  return ranks;
}

flux::IdSet InstanceState::drained_by_us() const {
  flux::IdSet ours;
  flux::IdSet others;
  for (const auto& drain : drains)
    (drain.reason.starts_with(own_drain_prefix) ? ours : others) |= drain.ranks;
  return ours - others;
}

flux::IdSet InstanceState::all_ranks() const {
  return resources.ranks() - excluded - removed;
}
flux::IdSet InstanceState::down_ranks() const {
  return all_ranks() & (offline | drained() | torpid);
}
flux::IdSet InstanceState::up_ranks() const {
  return all_ranks() - down_ranks();
}

bool InstanceState::eligible(const Job& job) const {
  return job.state == flux::JobState::sched && job.priority > 0 && queues[job.queue].started;
}

}  // namespace fluxmetrics::instance
