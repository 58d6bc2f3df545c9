#include "simulate/counts.hpp"

namespace fluxmetrics::simulate {
namespace {

void add(flux::JobStates& states, flux::JobState state, std::int64_t n) {
  switch (state) {
    case flux::JobState::new_:
      return;
    case flux::JobState::depend:
      states.depend += n;
      break;
    case flux::JobState::priority:
      states.priority += n;
      break;
    case flux::JobState::sched:
      states.sched += n;
      break;
    case flux::JobState::run:
      states.run += n;
      break;
    case flux::JobState::cleanup:
      states.cleanup += n;
      break;
    case flux::JobState::inactive:
      states.inactive += n;
      break;
  }
  states.total += n;
}

// The four results share out the inactive jobs.
void add_result(flux::QueueStats& stats, flux::JobResult result, std::int64_t n) {
  switch (result) {
    case flux::JobResult::none:
      return;
    case flux::JobResult::completed:
      stats.successful += n;
      return;
    case flux::JobResult::failed:
      stats.failed += n;
      return;
    case flux::JobResult::canceled:
      stats.canceled += n;
      return;
    case flux::JobResult::timeout:
      stats.timeout += n;
      return;
  }
}

}  // namespace

Counts::Counts(const std::vector<std::string>& queues) {
  for (const std::string& name : queues) {
    stats_.queues.emplace_back();
    stats_.queues.back().name = name;
  }
}

template <class Change>
void Counts::each(const Job& job, const Change& change) {
  change(stats_.all);
  if (job.queue < stats_.queues.size()) change(stats_.queues[job.queue]);
}

void Counts::moved(const Job& job, flux::JobState from) {
  each(job, [&](flux::QueueStats& stats) {
    add(stats.states, from, -1);
    add(stats.states, job.state, 1);
    add_result(stats, job.result(), 1);
  });
}

void Counts::purged(const Job& job) {
  each(job, [&](flux::QueueStats& stats) {
    add(stats.states, flux::JobState::inactive, -1);
    add_result(stats, job.result(), -1);
    ++stats.inactive_purged;
  });
}

}  // namespace fluxmetrics::simulate
