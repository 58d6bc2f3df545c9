// How the scheduler is set, as labels of a metric that is always 1.
#include "metrics/metric.hpp"

namespace fluxmetrics::metrics {
namespace {

using Items = Result<std::vector<Item>>;

std::string told(const instance::Setting& setting) {
  return setting.value.value_or("");
}

// One item for each queue, which has a policy of its own. What is not known is an empty label.
Items settings(const Facts& facts) {
  const auto& state = facts.inputs.state;
  const auto& scheduler = state.scheduler;
  if (scheduler.kind == instance::Scheduler::Kind::unknown) {
    return fail(Code::unavailable, "{}",
                scheduler.unknown.empty() ? "the scheduler has not been queried yet" : scheduler.unknown);
  }
  std::vector<Item> items;
  for (const auto& queue : state.queues) {
    items.push_back({.labels = {{"queue", queue.name},
                                {"scheduler", scheduler.name()},
                                {"queue_policy", told(scheduler.policy_of(queue.name))},
                                {"match_policy", told(scheduler.match_policy)},
                                {"prune_filters", told(scheduler.prune_filters)}},
                     .value = 1});
  }
  return items;
}

}  // namespace

std::vector<Metric> scheduler_metrics() {
  return {
      {.description = {.name = "scheduler_info",
                       .unit = "queues",
                       .help = "1 for each queue: which scheduler it has, and with which policies.",
                       .source = "module.list, sched-fluxion-qmanager.params, sched-fluxion-resource.params",
                       .labels = {"queue", "scheduler", "queue_policy", "match_policy", "prune_filters"},
                       .aggregation = Aggregation::sum},
       .values = settings}};
}

}  // namespace fluxmetrics::metrics
