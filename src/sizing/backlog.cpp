#include "sizing/backlog.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "sizing/admission.hpp"
#include "sizing/arithmetic.hpp"
#include "sizing/need.hpp"

namespace fluxmetrics::sizing {
namespace {

// What one job asks for.
struct Extent {
  std::uint64_t nodes = 0;
  std::uint64_t cores = 0;
};

class Extents {
 public:
  Extents(const instance::InstanceState& state, Admission& admission)
      : state_(state), admission_(admission) {}

  const Extent& of(const instance::Job& job) {
    // Neighbours are mostly alike: looked up only when the key changes.
    const std::pair key{job.queue, job.shape};
    if (last_ == nullptr || key != last_key_) {
      const auto [entry, added] = known_.try_emplace(key);
      if (added) entry->second = measure(job);
      last_ = &entry->second;
      last_key_ = key;
    }
    return *last_;
  }

 private:
  [[nodiscard]] Extent measure(const instance::Job& job) const {
    const Need need = need_of(state_.shapes[job.shape], state_.scheduler.whole_nodes());
    const flux::Amount node =
        admission_.usual_node(admission_.ranks(admission_.of(job.queue, job.shape)), need);
    return {.nodes = need.ranks_on(node), .cores = need.held_on(node).cores};
  }

  const instance::InstanceState& state_;
  Admission& admission_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Extent> known_;
  std::pair<std::uint32_t, std::uint32_t> last_key_;
  const Extent* last_ = nullptr;
};

}  // namespace

double QueueBacklog::seconds() const {
  if (core_seconds <= 0) return 0;
  if (cores_up == 0) return std::numeric_limits<double>::infinity();
  return core_seconds / static_cast<double>(cores_up);
}

std::vector<QueueBacklog> backlog_by_queue(const instance::InstanceState& state, const JobKinds& impossible) {
  const flux::IdSet up = state.up_ranks();
  Admission admission(state, up);
  std::vector<QueueBacklog> queues;
  queues.reserve(state.queues.size());
  for (std::uint32_t i = 0; i < state.queues.size(); ++i) {
    auto& added = queues.emplace_back();
    added.queue = state.queues[i].name;
    added.cores_up = state.resources.total_of(up & admission.of_queue(i)).cores;
  }
  Extents extents(state, admission);
  for (const auto& job : state.jobs) {
    if (!state.eligible(job) || impossible.contains({job.queue, job.shape})) continue;
    auto& queue = queues[job.queue];
    const Extent& extent = extents.of(job);
    ++queue.eligible;
    if (job.duration > 0) {
      queue.core_seconds += static_cast<double>(extent.cores) * job.duration;
    } else {
      ++queue.unlimited;
    }
    const double since = job.t_sched > 0 ? job.t_sched : job.t_submit;
    if (since > 0 && (queue.oldest <= 0 || since < queue.oldest)) queue.oldest = since;
    queue.widest_nodes = std::max(queue.widest_nodes, extent.nodes);
    queue.most_cores = std::max(queue.most_cores, extent.cores);
  }
  return queues;
}

}  // namespace fluxmetrics::sizing
