#include "metrics/metric.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::metrics {

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
  for (const auto& run : sizing::rank_runs(state.resources, state.allocated, facts.up)) {
    if (run.free.cores > 0) facts.free += run.count();
    if (!run.busy) facts.idle += run.count();
    facts.amount_free.cores += run.count() * run.free.cores;
    facts.amount_free.gpus += run.count() * run.free.gpus;
  }
  return facts;
}

namespace {

constexpr std::string_view status = "resource.status";
constexpr std::string_view both = "resource.status, job-manager.resource-status";
constexpr std::string_view held = "job-manager.resource-status";

using Items = Result<std::vector<Item>>;

Metric nodes(std::string_view name, std::string_view help, std::string_view source,
             decltype(Metric::values) values) {
  return {.description = {.name = name, .unit = "nodes", .help = help, .source = source, .labels = {}},
          .values = values};
}
Metric cores(std::string_view name, std::string_view help, std::string_view source,
             decltype(Metric::values) values) {
  return {.description = {.name = name, .unit = "cores", .help = help, .source = source, .labels = {}},
          .values = values};
}
Metric gpus(std::string_view name, std::string_view help, std::string_view source,
            decltype(Metric::values) values) {
  return {.description = {.name = name, .unit = "gpus", .help = help, .source = source, .labels = {}},
          .values = values};
}

std::vector<Metric> counts_of_nodes() {
  return {
      nodes("node_total_count", "Nodes in the resource set, those excluded by configuration left out.",
            status, [](const Facts& f) -> Items { return single(f.nodes.total.size()); }),
      nodes("node_up_count", "Nodes that are neither offline nor drained nor torpid.", status,
            [](const Facts& f) -> Items { return single(f.nodes.up.size()); }),
      nodes("node_down_count", "Nodes that are offline, drained or torpid, even when a job still runs there.",
            status, [](const Facts& f) -> Items { return single(f.nodes.down.size()); }),
      nodes("node_drained_count", "Nodes in the drain set, busy or not.", status,
            [](const Facts& f) -> Items { return single(f.nodes.drained.size()); }),
      nodes("node_allocated_count", "Nodes with a core or gpu in use, drained ones too.", held,
            [](const Facts& f) -> Items { return single(f.nodes.allocated.size()); }),
      nodes("node_free_count", "Nodes that are up and have a core free.", both,
            [](const Facts& f) -> Items { return single(f.nodes.free); }),
      nodes("node_idle_count", "Nodes that are up with nothing in use.", both,
            [](const Facts& f) -> Items { return single(f.nodes.idle); }),
  };
}

std::vector<Metric> counts_of_cores() {
  return {
      cores("node_cores_total_count", "Cores of all nodes in the resource set, excluded nodes left out.",
            status, [](const Facts& f) -> Items { return single(f.nodes.amount_total.cores); }),
      cores("node_cores_up_count", "Cores of the nodes that are up.", status,
            [](const Facts& f) -> Items { return single(f.nodes.amount_up.cores); }),
      cores("node_cores_free_count", "Cores of the nodes that are up that nobody uses.", both,
            [](const Facts& f) -> Items { return single(f.nodes.amount_free.cores); }),
      cores("node_cores_allocated_count", "Cores in use, on nodes that are down too.", held,
            [](const Facts& f) -> Items { return single(f.nodes.amount_allocated.cores); }),
      gpus("node_gpus_total_count", "Gpus of all nodes in the resource set, excluded nodes left out.", status,
           [](const Facts& f) -> Items { return single(f.nodes.amount_total.gpus); }),
      gpus("node_gpus_up_count", "Gpus of the nodes that are up.", status,
           [](const Facts& f) -> Items { return single(f.nodes.amount_up.gpus); }),
      gpus("node_gpus_free_count", "Gpus of the nodes that are up that nobody uses.", both,
           [](const Facts& f) -> Items { return single(f.nodes.amount_free.gpus); }),
      gpus("node_gpus_allocated_count", "Gpus in use, on nodes that are down too.", held,
           [](const Facts& f) -> Items { return single(f.nodes.amount_allocated.gpus); }),
  };
}

}  // namespace

std::vector<Metric> node_metrics() {
  auto all = counts_of_nodes();
  for (auto& metric : counts_of_cores())
    all.push_back(std::move(metric));
  return all;
}

}  // namespace fluxmetrics::metrics
