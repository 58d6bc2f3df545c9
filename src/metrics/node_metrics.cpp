#include "metrics/metric.hpp"

namespace fluxmetrics::metrics {

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
      nodes("node_total_count", "Nodes in the resource set, without those that the configuration excludes.",
            status, [](const Facts& f) -> Items { return single(f.nodes.total.size()); }),
      nodes("node_up_count", "Nodes that are neither offline nor drained nor torpid.", status,
            [](const Facts& f) -> Items { return single(f.nodes.up.size()); }),
      nodes("node_down_count", "Nodes that are offline, drained or torpid, even when a job still runs there.",
            status, [](const Facts& f) -> Items { return single(f.nodes.down.size()); }),
      nodes("node_drained_count", "Nodes in the drain set, busy or not.", status,
            [](const Facts& f) -> Items { return single(f.nodes.drained.size()); }),
      nodes("node_draining_count",
            "Nodes that this program drained, to give them back, and on which something still runs.", both,
            [](const Facts& f) -> Items {
              const auto& state = f.inputs.state;
              return single(((state.drained_by_us() & f.nodes.allocated) - state.offline).size());
            }),
      nodes("node_allocated_count", "Nodes with a core or gpu in use, including drained ones.", held,
            [](const Facts& f) -> Items { return single(f.nodes.allocated.size()); }),
      nodes("node_free_count", "Nodes that are up and have a core free.", both,
            [](const Facts& f) -> Items { return single(f.nodes.free); }),
      nodes("node_idle_count", "Nodes that are up with nothing in use.", both,
            [](const Facts& f) -> Items { return single(f.nodes.idle); }),
  };
}

std::vector<Metric> counts_of_cores() {
  return {
      cores("node_cores_total_count", "Cores of all nodes in the resource set, without excluded nodes.",
            status, [](const Facts& f) -> Items { return single(f.nodes.amount_total.cores); }),
      cores("node_cores_up_count", "Cores of the nodes that are up.", status,
            [](const Facts& f) -> Items { return single(f.nodes.amount_up.cores); }),
      cores("node_cores_free_count", "Free cores of the nodes that are up.", both,
            [](const Facts& f) -> Items { return single(f.nodes.amount_free.cores); }),
      cores("node_cores_allocated_count", "Cores in use, including those on nodes that are down.", held,
            [](const Facts& f) -> Items { return single(f.nodes.amount_allocated.cores); }),
      gpus("node_gpus_total_count", "Gpus of all nodes in the resource set, without excluded nodes.", status,
           [](const Facts& f) -> Items { return single(f.nodes.amount_total.gpus); }),
      gpus("node_gpus_up_count", "Gpus of the nodes that are up.", status,
           [](const Facts& f) -> Items { return single(f.nodes.amount_up.gpus); }),
      gpus("node_gpus_free_count", "Free gpus of the nodes that are up.", both,
           [](const Facts& f) -> Items { return single(f.nodes.amount_free.gpus); }),
      gpus("node_gpus_allocated_count", "Gpus in use, including those on nodes that are down.", held,
           [](const Facts& f) -> Items { return single(f.nodes.amount_allocated.gpus); }),
  };
}

// A part of `whole`, which must not be empty: without a node there is no such part, not even 0.
Items ratio(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return fail(Code::unavailable, "no node is up, so there is nothing that could be in use");
  return std::vector<Item>{{.labels = {}, .value = static_cast<double>(part) / static_cast<double>(whole)}};
}

std::vector<Metric> ratios() {
  const auto metric = [](std::string_view name, std::string_view help, decltype(Metric::values) values) {
    return Metric{.description = {.name = name, .unit = "ratio", .help = help, .source = both, .labels = {}},
                  .values = values};
  };
  return {
      metric("node_utilization_ratio", "Of the nodes that are up, the fraction with anything in use.",
             [](const Facts& f) -> Items {
               return ratio((f.nodes.allocated & f.nodes.up).size(), f.nodes.up.size());
             }),
      metric("core_utilization_ratio", "Of the cores on nodes that are up, the fraction in use.",
             [](const Facts& f) -> Items {
               return ratio(f.nodes.amount_up.cores - f.nodes.amount_free.cores, f.nodes.amount_up.cores);
             }),
  };
}

Metric arrival() {
  return {.description = {.name = "node_arrival_seconds",
                          .unit = "seconds",
                          .help = "How long the last node to arrive took: from when node_wanted_count asked "
                                  "for it until its broker was online.",
                          .source = "resource.status, job-manager.resource-status, job-list.list",
                          .labels = {}},
          .values = [](const Facts& f) -> Items {
            const auto* watched = f.inputs.watched;
            if (watched == nullptr || !watched->last_arrival)
              return fail(Code::unavailable, "no requested node has arrived since this program started");
            return std::vector<Item>{{.labels = {}, .value = *watched->last_arrival}};
          },
          .moves = true};
}

}  // namespace

std::vector<Metric> node_metrics() {
  auto all = counts_of_nodes();
  for (auto& metric : counts_of_cores())
    all.push_back(std::move(metric));
  for (auto& metric : ratios())
    all.push_back(std::move(metric));
  all.push_back(arrival());
  return all;
}

}  // namespace fluxmetrics::metrics
