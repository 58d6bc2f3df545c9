#include "metrics/facts.hpp"

#include "sizing/rooms.hpp"

namespace fluxmetrics::metrics {
namespace {

NodeFacts count_nodes(const instance::InstanceState& state) {
  NodeFacts facts;
  facts.total = state.all_ranks();
  facts.down = state.down_ranks();
  facts.up = facts.total - facts.down;
  facts.drained = state.drained();
  facts.allocated = sizing::busy_ranks(state.allocated);
  facts.amount_total = state.resources.total_of(facts.total);
  facts.amount_up = state.resources.total_of(facts.up);
  facts.amount_allocated = state.allocated.total();
  facts.amount_down_used = state.allocated.total_of(facts.down);
  for (const auto& run : sizing::rank_runs(state.resources, state.allocated, facts.up)) {
    if (run.free.cores > 0) facts.free += run.count();
    if (!run.busy) facts.idle += run.count();
    facts.amount_free.cores += run.count() * run.free.cores;
    facts.amount_free.gpus += run.count() * run.free.gpus;
  }
  return facts;
}

decltype(StateFacts::partition) count_partition(const instance::InstanceState& state,
                                                const NodeFacts& nodes) {
  decltype(StateFacts::partition) counts{};
  std::size_t next = 0;
  flux::IdSet rest = state.resources.ranks() - state.removed;
  const auto take = [&](const flux::IdSet& ranks) {
    counts[next++] = (rest & ranks).size();
    rest = rest - ranks;
  };
  take(state.excluded);
  take(state.offline);
  take(state.torpid);
  take(nodes.drained & nodes.allocated);
  take(nodes.drained);
  take(nodes.allocated);
  counts[next] = rest.size();
  return counts;
}

}  // namespace

StateFacts count_facts(const instance::InstanceState& state, const sizing::Demand& demand) {
  StateFacts facts;
  facts.nodes = count_nodes(state);
  facts.partition = count_partition(state, facts.nodes);
  facts.backlog = sizing::backlog_by_queue(state, demand.impossible);
  return facts;
}

}  // namespace fluxmetrics::metrics
