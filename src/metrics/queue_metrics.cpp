#include <algorithm>
#include <string>

#include "metrics/metric.hpp"

namespace fluxmetrics::metrics {
namespace {

constexpr std::string_view listed = "job-list.list, job-manager.events-journal, job-manager.queue-status";
constexpr std::string_view listed_and_nodes =
    "job-list.list, job-manager.events-journal, job-manager.queue-status, resource.status";
constexpr std::string_view counted = "job-list.job-stats";

using Items = Result<std::vector<Item>>;
using sizing::QueueBacklog;

template <class Value>
Items of_backlog(const Facts& facts, Value value) {
  std::vector<Item> items;
  for (const auto& queue : facts.backlog)
    items.push_back({.labels = {{"queue", queue.queue}}, .value = static_cast<double>(value(queue))});
  return items;
}

Metric queues(std::string_view name, std::string_view unit, std::string_view help, std::string_view source,
              Aggregation aggregation, decltype(Metric::values) values) {
  return {.description = {.name = name,
                          .unit = unit,
                          .help = help,
                          .source = source,
                          .labels = {"queue"},
                          .aggregation = aggregation},
          .values = values};
}

Items oldest_wait(const Facts& facts) {
  const double now = to_unix(facts.inputs.now);
  return of_backlog(facts, [&](const QueueBacklog& queue) {
    return queue.oldest > 0 ? std::max(0.0, now - queue.oldest) : 0.0;
  });
}

Items finished_per_second(const Facts& facts) {
  const auto* watched = facts.inputs.watched;
  if (watched == nullptr || !watched->finished_per_second)
    return fail(Code::unavailable, "a rate takes {:g} s of watching", Watch::enough.count());
  std::vector<Item> items;
  for (std::size_t i = 0; i < facts.backlog.size() && i < watched->finished_per_second->size(); ++i) {
    items.push_back(
        {.labels = {{"queue", facts.backlog[i].queue}}, .value = (*watched->finished_per_second)[i]});
  }
  return items;
}

// Of inactive jobs, by what became of them.
template <std::int64_t flux::QueueStats::* Number>
Items ended(const Facts& facts) {
  const auto& state = facts.inputs.state;
  std::vector<Item> items;
  for (const auto& queue : state.queues) {
    const auto found = std::ranges::find(state.stats.queues, queue.name, &flux::QueueStats::name);
    const bool known = queue.name.empty() || found != state.stats.queues.end();
    const auto& stats = queue.name.empty() || !known ? state.stats.all : *found;
    const std::int64_t number = known ? std::max<std::int64_t>(0, stats.*Number) : 0;
    items.push_back({.labels = {{"queue", queue.name}}, .value = static_cast<double>(number)});
  }
  return items;
}

std::vector<Metric> results() {
  using enum Aggregation;
  return {
      queues("job_successful_count", "jobs", "Inactive jobs that succeeded and that Flux has not purged.",
             counted, sum, ended<&flux::QueueStats::successful>),
      queues("job_failed_count", "jobs",
             "Inactive jobs that failed, neither canceled nor timed out, and that Flux has not purged.",
             counted, sum, ended<&flux::QueueStats::failed>),
      queues("job_canceled_count", "jobs", "Inactive jobs that were canceled and that Flux has not purged.",
             counted, sum, ended<&flux::QueueStats::canceled>),
      queues("job_timeout_count", "jobs",
             "Inactive jobs that ran into their time limit and that Flux has not purged.", counted, sum,
             ended<&flux::QueueStats::timeout>),
  };
}

std::vector<Metric> waiting() {
  using enum Aggregation;
  auto oldest = queues(
      "job_wait_oldest_seconds", "seconds",
      "How long the longest-waiting eligible job has waited since it was ready to start; 0 when none waits.",
      listed, max, oldest_wait);
  oldest.moves = true;
  auto rate = queues("job_finished_per_second", "jobs/second",
                     "Jobs that ended per second, over the last minute.", counted, sum, finished_per_second);
  rate.moves = true;
  return {
      std::move(oldest),
      std::move(rate),
      queues("queue_backlog_seconds", "seconds",
             "How long the cores that are up and that the queue admits would be busy with its eligible jobs "
             "that "
             "have a time limit: cores x limit, over those cores.",
             listed_and_nodes, max,
             [](const Facts& f) { return of_backlog(f, [](const auto& q) { return q.seconds(); }); }),
      queues("job_unlimited_count", "jobs",
             "Eligible jobs without a time limit, which queue_backlog_seconds leaves out.", listed, sum,
             [](const Facts& f) { return of_backlog(f, [](const auto& q) { return q.unlimited; }); }),
      queues("job_largest_nodes_count", "nodes",
             "Nodes that the widest eligible job asks for; 0 when none waits.", listed, max,
             [](const Facts& f) { return of_backlog(f, [](const auto& q) { return q.widest_nodes; }); }),
      queues("job_largest_cores_count", "cores",
             "Cores that the largest eligible job asks for; 0 when none waits.", listed, max,
             [](const Facts& f) { return of_backlog(f, [](const auto& q) { return q.most_cores; }); }),
  };
}

}  // namespace

std::vector<Metric> queue_metrics() {
  auto all = results();
  for (auto& metric : waiting())
    all.push_back(std::move(metric));
  return all;
}

}  // namespace fluxmetrics::metrics
