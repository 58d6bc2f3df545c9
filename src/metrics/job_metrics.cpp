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
      jobs("job_queue_state_sched_count", "Jobs in state SCHED: waiting for resources, held ones too.",
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

Items eligible(const Facts& facts) {
  const auto& state = facts.inputs.state;
  const auto number = std::ranges::count_if(state.jobs, [&](const auto& job) { return state.eligible(job); });
  return single(static_cast<std::uint64_t>(number));
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
      {.description = {.name = "job_finished_total",
                       .unit = "jobs",
                       .help =
                           "Jobs that have ended since the instance began, purged ones too; it never falls.",
                       .source = stats,
                       .labels = {},
                       .type = Type::counter},
       .values = [](const Facts& f) -> Items {
         const auto& jobs_of_all = f.inputs.state.stats.all;
         return single(count(jobs_of_all.states.inactive) + count(jobs_of_all.inactive_purged));
       }});
  metrics.push_back(jobs("job_pending_count", "Jobs in DEPEND, PRIORITY or SCHED, held ones too.",
                         [](const Facts& f) -> Items {
                           return single(count(all(f).depend) + count(all(f).priority) + count(all(f).sched));
                         }));
  metrics.push_back(jobs("job_running_count", "Jobs in RUN or CLEANUP.", [](const Facts& f) -> Items {
    return single(count(all(f).run) + count(all(f).cleanup));
  }));
  metrics.push_back(
      jobs("job_eligible_count",
           "Jobs that wait for nothing but room: in SCHED, not held, in a queue that is started.", eligible,
           "job-list.list, job-manager.queue-status"));
  return metrics;
}

}  // namespace fluxmetrics::metrics
