#include "sizing/queue_demand.hpp"

#include <algorithm>

#include "sizing/arithmetic.hpp"
#include "sizing/packing.hpp"

namespace fluxmetrics::sizing {
namespace {

// More nodes than any sum of jobs can ask for.
constexpr std::uint64_t endless = std::uint64_t{1} << 62U;

// Imagined empty nodes, made as they are needed.
class EmptyNodes {
 public:
  EmptyNodes(Admission& admission, std::vector<QueueDemand>& demands)
      : admission_(admission), demands_(demands) {}

  void pack(const Group& group, std::uint64_t jobs, const flux::Amount& node) {
    if (group.need.fits(node, node) == 0) {
      // No node there is holds a piece of it: each piece counts as a node of its own.
      auto& nodes = demands_[group.queue].nodes;
      nodes = sum(nodes, product(jobs, group.need.pieces));
      return;
    }
    open_for(group, node);
    place(nodes_, group.need, jobs);
    settle(group);
  }

  void count() {
    for (const Run& run : nodes_)
      demands_[run.owner].nodes = sum(demands_[run.owner].nodes, run.count);
  }

 private:
  // A node may be shared when it is of the kind that the job takes and one rank can stand for it with all its
  // jobs.
  void open_for(const Group& group, const flux::Amount& node) {
    for (Run& run : nodes_) {
      run.open =
          run.total == node && !admission_.ranks(admission_.both(run.admitted, group.admitted)).empty();
    }
    Run rest;
    rest.first = nodes_.empty() ? 0 : nodes_.back().end();
    rest.count = endless;
    rest.total = rest.start = rest.free = node;
    rest.admitted = group.admitted;
    rest.owner = group.queue;
    nodes_.push_back(rest);
  }
  void settle(const Group& group) {
    if (!nodes_.back().touched) nodes_.pop_back();
    for (Run& run : nodes_) {
      if (run.touched) run.admitted = admission_.both(run.admitted, group.admitted);
      run.touched = false;
    }
    merge(nodes_);
  }

  Admission& admission_;
  std::vector<QueueDemand>& demands_;
  Runs nodes_;
};

}  // namespace

std::vector<QueueDemand> demand_by_queue(const instance::InstanceState& state, const Groups& waiting,
                                         const Groups& running, Admission& admission) {
  std::vector<QueueDemand> demands;
  demands.reserve(state.queues.size());
  for (const auto& queue : state.queues)
    demands.push_back({.queue = queue.name});

  Groups groups = waiting;
  groups.insert(groups.end(), running.begin(), running.end());
  std::vector<flux::Amount> nodes;
  nodes.reserve(groups.size());
  for (auto& group : groups) {
    const auto& ranks = admission.ranks(group.admitted);
    auto& demand = demands[group.queue];
    const flux::Amount each = group.held_by_each(admission.usual_node(ranks, group.need));
    demand.cores = sum(demand.cores, product(group.jobs(), each.cores));
    demand.gpus = sum(demand.gpus, product(group.jobs(), each.gpus));
    // A running job is packed as the nodes it holds, whatever its jobspec left open.
    if (auto held = need_of_running(group.nnodes, group.ncores)) {
      held->exclusive = held->exclusive || group.need.exclusive;
      group.need = *held;
    }
    nodes.push_back(admission.usual_node(ranks, group.need));
  }
  EmptyNodes empty(admission, demands);
  for (const auto& batch : in_order(groups, admission))
    empty.pack(groups[batch.group], batch.jobs, nodes[batch.group]);
  empty.count();
  return demands;
}

}  // namespace fluxmetrics::sizing
