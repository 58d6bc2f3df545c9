#include "base/plural.hpp"
#include "metrics/metric.hpp"

namespace fluxmetrics::metrics {
namespace {

constexpr std::string_view ranks = "resource.status, job-manager.resource-status";
constexpr std::string_view jobs = "job-list.list, job-manager.events-journal";
constexpr std::string_view everything =
    "resource.status, job-manager.resource-status, job-list.list, job-manager.events-journal";

constexpr std::string_view denials = "job-list.list, resource.status";

using Items = Result<std::vector<Item>>;

Metric plain(std::string_view name, std::string_view unit, std::string_view help, std::string_view source,
             decltype(Metric::values) values) {
  return {.description = {.name = name, .unit = unit, .help = help, .source = source, .labels = {}},
          .values = values};
}

Metric by_queue(std::string_view name, std::string_view unit, std::string_view help,
                decltype(Metric::values) values) {
  return {.description = {.name = name,
                          .unit = unit,
                          .help = help,
                          .source = jobs,
                          .labels = {"queue"},
                          .aggregation = Aggregation::sum},
          .values = values};
}

// Numbers of pods: meaningless where a rank is not the index of a pod.
template <class Value>
Items of_pods(const Facts& facts, Value value) {
  if (facts.inputs.ranks_are_pods) return single(value);
  return fail(
      Code::not_found,
      "this Flux instance runs inside a job of another one (instance-level {}): its ranks are not pod "
      "indexes, so no number of pods follows from them; ask the top instance",
      facts.inputs.state.level);
}

template <class Value>
Items of_queues(const Facts& facts, Value value) {
  std::vector<Item> items;
  for (const auto& queue : facts.inputs.demand.queues)
    items.push_back({.labels = {{"queue", queue.queue}}, .value = static_cast<double>(value(queue))});
  return items;
}

Items gpu_demand(const Facts& facts) {
  const auto unknown = facts.inputs.demand.shape_unknown;
  if (unknown > 0 && facts.inputs.state.resources.total().gpus > 0) {
    return fail(Code::unavailable,
                "the jobspecs of {} are not known, so the number of gpus that they ask for is not known: "
                "only the owner of the Flux instance can read them",
                counted(unknown, "job"));
  }
  return of_queues(facts, [](const auto& queue) { return queue.gpus; });
}

Items denied(const Facts& facts) {
  if (!facts.inputs.state.denied_unknown.empty())
    return fail(Code::unavailable, "{}", facts.inputs.state.denied_unknown);
  return single(facts.inputs.demand.denied);
}

Items wanted(const Facts& facts) {
  if (facts.inputs.ranks_are_pods && !facts.inputs.wanted)
    return std::unexpected(facts.inputs.wanted.error());
  return of_pods(facts, facts.inputs.wanted.value_or(0));
}

std::vector<Metric> sizes() {
  return {
      plain("node_safe_min_count", "nodes",
            "The smallest size that takes no node away from what runs: 1 + the highest busy rank that is "
            "online.",
            ranks, [](const Facts& f) -> Items { return of_pods(f, f.inputs.demand.safe_min); }),
      plain("node_wanted_all_count", "nodes",
            "The size at which every satisfiable eligible job starts, whatever it costs and however short it "
            "is.",
            everything, [](const Facts& f) -> Items { return of_pods(f, f.inputs.demand.wanted_all); }),
      plain(
          "node_wanted_count", "nodes",
          "The size that a MiniCluster should have now: scale to this number, with AverageValue 1 in an HPA.",
          everything, wanted),
      plain("node_shortage_count", "nodes",
            "Offline nodes that must come up before every satisfiable eligible job can start.", everything,
            [](const Facts& f) -> Items { return of_pods(f, f.inputs.demand.shortage); }),
  };
}

}  // namespace

std::vector<Metric> sizing_metrics() {
  auto metrics = sizes();
  metrics.push_back(
      by_queue("node_demand_count", "nodes",
               "Empty nodes that the running and eligible jobs need, packed, by the queue whose job "
               "needed the node first; jobs that can never start need none.",
               [](const Facts& f) { return of_queues(f, [](const auto& q) { return q.nodes; }); }));
  metrics.push_back(
      by_queue("core_demand_count", "cores",
               "Cores that the running jobs hold and the eligible ones ask for, by queue; jobs that can "
               "never start ask for none.",
               [](const Facts& f) { return of_queues(f, [](const auto& q) { return q.cores; }); }));
  metrics.push_back(by_queue("gpu_demand_count", "gpus",
                             "Gpus that the running jobs hold and the eligible ones ask for, by queue; jobs "
                             "that can never start ask for none.",
                             gpu_demand));
  metrics.push_back(
      plain("job_unsatisfiable_count", "jobs",
            "Jobs that wait for room and would not fit even if all usable nodes were up and empty.",
            everything, [](const Facts& f) -> Items { return single(f.inputs.demand.unsatisfiable); }));
  metrics.push_back(
      {.description = {.name = "job_denied_count",
                       .unit = "jobs",
                       .help = "Jobs that the scheduler denied recently although the usable nodes, all up, "
                               "would hold them, and that were not submitted again.",
                       .source = denials,
                       .labels = {}},
       .values = denied,
       .moves = true});
  metrics.push_back(plain("job_shape_unknown_count", "jobs",
                          "Active jobs whose jobspec is unknown or not fully understood: they count as the "
                          "least that they can ask for.",
                          jobs,
                          [](const Facts& f) -> Items { return single(f.inputs.demand.shape_unknown); }));
  return metrics;
}

}  // namespace fluxmetrics::metrics
