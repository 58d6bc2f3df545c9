#include <algorithm>
#include <array>

#include "metrics/metric.hpp"

namespace fluxmetrics::metrics {
namespace {

constexpr std::string_view stats = "job-list.job-stats";

using Items = Result<std::vector<Item>>;
using flux::JobStates;

Metric jobs(std::string_view name, std::string_view help, decltype(Metric::values) values,
            std::string_view source = stats) {
  return {.description = {.name = name, .unit = "jobs", .help = help, .source = source, .labels = {}},
          .values = values};
}

// Flux counts no job that is gone twice, but a broken reply must not make a count of 2^64.
std::uint64_t count(std::int64_t number) {
  return number < 0 ? 0 : static_cast<std::uint64_t>(number);
}

const JobStates& all(const Facts& facts) {
  return facts.inputs.state.stats.all.states;
}

std::vector<Metric> prototype() {
  return {
      jobs("job_queue_state_new_count", "Jobs in state NEW; Flux never counts these, so it is always 0.",
           [](const Facts&) -> Items { return single(0); }),
      jobs("job_queue_state_depend_count", "Jobs in state DEPEND: waiting for a dependency.",
           [](const Facts& f) -> Items { return single(count(all(f).depend)); }),
      jobs("job_queue_state_priority_count", "Jobs in state PRIORITY: waiting for a priority.",
           [](const Facts& f) -> Items { return single(count(all(f).priority)); }),
      jobs("job_queue_state_sched_count", "Jobs in state SCHED: waiting for resources, including held ones.",
           [](const Facts& f) -> Items { return single(count(all(f).sched)); }),
      jobs("job_queue_state_run_count", "Jobs in state RUN.",
           [](const Facts& f) -> Items { return single(count(all(f).run)); }),
      jobs("job_queue_state_cleanup_count", "Jobs in state CLEANUP: finished, but still holding resources.",
           [](const Facts& f) -> Items { return single(count(all(f).cleanup)); }),
      jobs("job_queue_state_inactive_count", "Jobs in state INACTIVE that Flux has not purged.",
           [](const Facts& f) -> Items { return single(count(all(f).inactive)); }),
  };
}

struct ActiveState {
  flux::JobState state;
  std::int64_t JobStates::* number;
};
constexpr std::array<ActiveState, 5> active_states{{
    {flux::JobState::depend, &JobStates::depend},
    {flux::JobState::priority, &JobStates::priority},
    {flux::JobState::sched, &JobStates::sched},
    {flux::JobState::run, &JobStates::run},
    {flux::JobState::cleanup, &JobStates::cleanup},
}};

// What job-stats says of a queue; an instance without queues has the one queue "".
JobStates states_of(const instance::InstanceState& state, std::string_view queue) {
  if (queue.empty()) return state.stats.all.states;
  const auto found = std::ranges::find(state.stats.queues, queue, &flux::QueueStats::name);
  return found == state.stats.queues.end() ? JobStates{} : found->states;
}

Items active_by_queue(const Facts& facts) {
  std::vector<Item> items;
  for (const auto& queue : facts.inputs.state.queues) {
    const JobStates states = states_of(facts.inputs.state, queue.name);
    for (const auto& [state, number] : active_states) {
      items.push_back({.labels = {{"queue", queue.name}, {"state", std::string(flux::to_string(state))}},
                       .value = static_cast<double>(count(states.*number))});
    }
  }
  return items;
}

// By queue. What no queue that there is accounts for (its queue was removed) has the queue "", so that the
// sum is all of them and never falls.
Items finished(const Facts& facts) {
  const auto& state = facts.inputs.state;
  const auto& all_queues = state.stats.all;
  auto others = count(all_queues.states.inactive) + count(all_queues.inactive_purged);
  std::vector<Item> items;
  bool anonymous = false;
  for (std::size_t i = 0; i < state.queues.size(); ++i) {
    const auto& name = state.queues[i].name;
    const auto number = std::min(count(finished_jobs(state, i)), others);
    others -= number;
    anonymous = anonymous || name.empty();
    items.push_back({.labels = {{"queue", name}}, .value = static_cast<double>(number)});
  }
  if (others > 0 && !anonymous)
    items.push_back({.labels = {{"queue", ""}}, .value = static_cast<double>(others)});
  return items;
}

Items eligible(const Facts& facts) {
  std::vector<Item> items;
  for (const auto& queue : facts.backlog)
    items.push_back({.labels = {{"queue", queue.queue}}, .value = static_cast<double>(queue.eligible)});
  return items;
}

}  // namespace

std::vector<Metric> job_metrics() {
  auto metrics = prototype();
  metrics.push_back({.description = {.name = "job_count",
                                     .unit = "jobs",
                                     .help = "Active jobs, by queue and state.",
                                     .source = stats,
                                     .labels = {"queue", "state"},
                                     .aggregation = Aggregation::sum},
                     .values = active_by_queue});
  metrics.push_back(
      {.description =
           {.name = "job_finished_total",
            .unit = "jobs",
            .help = "Jobs that have ended since the instance started, including purged ones; it never falls.",
            .source = stats,
            .labels = {"queue"},
            .type = Type::counter,
            .aggregation = Aggregation::sum},
       .values = finished});
  metrics.push_back(jobs("job_pending_count", "Jobs in DEPEND, PRIORITY or SCHED, including held ones.",
                         [](const Facts& f) -> Items {
                           return single(count(all(f).depend) + count(all(f).priority) + count(all(f).sched));
                         }));
  metrics.push_back(jobs("job_running_count", "Jobs in RUN or CLEANUP.", [](const Facts& f) -> Items {
    return single(count(all(f).run) + count(all(f).cleanup));
  }));
  metrics.push_back({.description = {.name = "job_eligible_count",
                                     .unit = "jobs",
                                     .help = "Jobs that wait only for room: in SCHED, not held, in a queue "
                                             "that is started, and not too large for all nodes together.",
                                     .source = "job-list.list, job-manager.queue-status",
                                     .labels = {"queue"},
                                     .aggregation = Aggregation::sum},
                     .values = eligible});
  return metrics;
}

}  // namespace fluxmetrics::metrics
