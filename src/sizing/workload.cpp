#include "sizing/workload.hpp"

#include <algorithm>
#include <compare>
#include <map>
#include <span>
#include <tuple>

#include "sizing/arithmetic.hpp"

namespace fluxmetrics::sizing {
namespace {

class Grouping {
 public:
  Grouping(const instance::InstanceState& state, Admission& admission)
      : state_(state), admission_(admission) {}

  void add(const instance::Job& job, bool running) {
    Key key{job.queue, job.shape, std::nullopt, std::nullopt};
    if (running) key = {job.queue, job.shape, job.nnodes, job.ncores};
    // Neighbours are mostly alike: look the group up only when the key changes.
    if (groups_.empty() || key != last_key_) {
      const auto [known, added] = index_.try_emplace(key, groups_.size());
      if (added) {
        groups_.push_back({.need = need_of(state_.shapes[job.shape], state_.scheduler.whole_nodes()),
                           .queue = job.queue,
                           .shape = job.shape,
                           .slots = state_.shapes[job.shape].slots,
                           .nnodes = std::get<2>(key),
                           .ncores = std::get<3>(key),
                           .admitted = admission_.of(job.queue, job.shape),
                           .ids = {}});
      }
      last_key_ = key;
      last_ = known->second;
    }
    groups_[last_].ids.push_back(job.id);
  }
  Groups take() { return std::move(groups_); }

 private:
  using Key =
      std::tuple<std::uint32_t, std::uint32_t, std::optional<std::uint32_t>, std::optional<std::uint32_t>>;
  const instance::InstanceState& state_;
  Admission& admission_;
  Groups groups_;
  std::map<Key, std::size_t> index_;
  Key last_key_;
  std::size_t last_ = 0;
};

// What decides the order of two groups before the job ids do; smaller comes first.
struct Precedence {
  std::uint64_t admitted;
  std::uint64_t gpus, cores, nodes, slots;  // more comes first
  bool operator==(const Precedence&) const = default;
  std::strong_ordering operator<=>(const Precedence& other) const {
    return std::tie(admitted, other.gpus, other.cores, other.nodes, other.slots) <=>
           std::tie(other.admitted, gpus, cores, nodes, slots);
  }
};

Precedence precedence(const Group& group, const Admission& admission) {
  const Need& need = group.need;
  return {.admitted = admission.usable(group.admitted).size(),
          .gpus = need.piece.gpus,
          .cores = need.exclusive ? huge : need.piece.cores,
          .nodes = need.by_node ? need.pieces : 0,
          .slots = group.slots};
}

// The jobs of groups that nothing but the id tells apart, in the order of their ids.
void interleave(const Groups& groups, std::span<const std::size_t> tied, std::vector<Batch>& order) {
  if (tied.size() == 1) {
    order.push_back({.group = tied.front(), .jobs = groups[tied.front()].jobs()});
    return;
  }
  std::vector<std::pair<flux::JobId, std::size_t>> jobs;
  for (const std::size_t group : tied)
    for (const auto id : groups[group].ids)
      jobs.emplace_back(id, group);
  std::ranges::sort(jobs);
  for (const auto& [id, group] : jobs) {
    if (order.empty() || order.back().group != group) order.push_back({.group = group, .jobs = 0});
    ++order.back().jobs;
  }
}

}  // namespace

flux::Amount Group::held_by_each(const flux::Amount& node) const {
  flux::Amount held = need.held_on(node);
  if (need.exclusive && nnodes) held.gpus = product(*nnodes, node.gpus);
  if (ncores) held.cores = *ncores;
  return held;
}

bool is_running(const instance::Job& job) {
  return job.state == flux::JobState::run || job.state == flux::JobState::cleanup;
}

Groups eligible_groups(const instance::InstanceState& state, Admission& admission) {
  Grouping grouping(state, admission);
  for (const auto& job : state.jobs)
    if (state.eligible(job)) grouping.add(job, false);
  return grouping.take();
}

Groups first_groups(const instance::InstanceState& state, const JobKinds& impossible, Admission& admission) {
  std::vector<const instance::Job*> firsts(state.queues.size(), nullptr);
  for (const auto& job : state.jobs) {
    if (!state.eligible(job) || impossible.contains({job.queue, job.shape})) continue;
    const auto*& first = firsts[job.queue];
    // Jobs come by ascending id.
    if (first == nullptr || job.priority > first->priority) first = &job;
  }
  Grouping grouping(state, admission);
  for (const auto* job : firsts)
    if (job != nullptr) grouping.add(*job, false);
  return grouping.take();
}

Groups running_groups(const instance::InstanceState& state, Admission& admission) {
  Grouping grouping(state, admission);
  for (const auto& job : state.jobs)
    if (is_running(job)) grouping.add(job, true);
  return grouping.take();
}

std::vector<Batch> in_order(const Groups& groups, const Admission& admission) {
  struct Entry {
    Precedence precedence;
    std::size_t group;
  };
  std::vector<Entry> entries;
  entries.reserve(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i)
    entries.push_back({.precedence = precedence(groups[i], admission), .group = i});
  std::ranges::sort(entries, {}, &Entry::precedence);
  std::vector<Batch> order;
  std::vector<std::size_t> tied;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    tied.push_back(entries[i].group);
    if (i + 1 < entries.size() && entries[i + 1].precedence == entries[i].precedence) continue;
    interleave(groups, tied, order);
    tied.clear();
  }
  return order;
}

}  // namespace fluxmetrics::sizing
