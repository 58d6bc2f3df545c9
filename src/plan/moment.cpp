#include "plan/moment.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace fluxmetrics::plan {
namespace {

using flux::IdSet;

constexpr std::int64_t usual_priority = 16;

// Of a job that takes whole nodes it does not matter what it uses of them.
flux::Shape shape_of(const PlanJob& job) {
  if (job.whole) return {.nodes = job.nodes, .exclusive = true};
  flux::Shape shape{.slots = job.slots, .cores = job.cores};
  if (job.nodes > 0) shape.nodes = job.nodes;
  return shape;
}

std::uint32_t cores_of(const PlanJob& job, std::uint32_t cores_of_a_node) {
  if (job.whole) return job.nodes * cores_of_a_node;
  return job.slots * job.cores * std::max(job.nodes, 1U);
}

std::uint32_t cores_in(const RankShares& placement) {
  std::uint32_t sum = 0;
  for (const auto& [rank, cores] : placement)
    sum += cores;
  return sum;
}

class ModelState {
 public:
  explicit ModelState(const PlanMoment& moment) : moment_(moment) {
    state_.size = moment.ranks.count();
    state_.queues = {instance::Queue{}};
  }

  instance::InstanceState make() {
    add_ranks();
    for (const auto job : moment_.demand.running()) {
      auto& running = list(shape_of(moment_.jobs[job]), flux::JobState::run);
      running.nnodes = static_cast<std::uint32_t>(moment_.nodes_held(job));
      running.ncores = cores_of(moment_.jobs[job], moment_.ranks.cores());
      running.duration = moment_.jobs[job].duration;
    }
    for (const auto& placement : moment_.cleaning) {
      if (placement.empty()) continue;
      const auto nodes = static_cast<std::uint32_t>(placement.size());
      auto& ending = list({.nodes = nodes}, flux::JobState::cleanup);
      ending.nnodes = nodes;
      ending.ncores = cores_in(placement);
    }
    for (const auto& [job, since] : moment_.demand.waiting()) {
      auto& waiting = list(shape_of(moment_.jobs[job]), flux::JobState::sched);
      waiting.duration = moment_.jobs[job].duration;
      waiting.t_submit = waiting.t_sched = plan_epoch + since;
    }
    state_.jobs = std::move(jobs_);
    return std::move(state_);
  }

 private:
  void add_ranks() {
    const auto& ranks = moment_.ranks;
    const auto last = ranks.count() - 1;
    state_.resources.entries = {
        {.ranks = IdSet::range(0, last), .cores = IdSet::range(0, ranks.cores() - 1), .gpus = {}}};
    IdSet drained;
    std::map<std::uint32_t, IdSet> by_use;
    for (std::uint32_t rank = 0; rank <= last; ++rank) {
      (ranks.up(rank) ? state_.online : state_.offline).insert(rank);
      if (ranks.drained(rank)) drained.insert(rank);
      if (ranks.busy(rank)) by_use[ranks.used(rank)].insert(rank);
    }
    if (!drained.empty())
      state_.drains = {{.ranks = std::move(drained),
                        .timestamp = plan_epoch,
                        .reason = std::string(instance::own_drain_prefix)}};
    for (auto& [used, where] : by_use)
      state_.allocated.entries.push_back(
          {.ranks = std::move(where), .cores = IdSet::range(0, used - 1), .gpus = {}});
  }

  // Ids follow the order: Flux lists jobs by id.
  instance::Job& list(const flux::Shape& shape, flux::JobState job_state) {
    const auto [known, added] = shapes_.try_emplace(shape, shapes_.size());
    if (added) state_.shapes.push_back(shape);
    auto& job = jobs_.emplace_back();
    job.id = static_cast<flux::JobId>(jobs_.size());
    job.state = job_state;
    job.priority = usual_priority;
    job.shape = static_cast<std::uint32_t>(known->second);
    return job;
  }

  const PlanMoment& moment_;
  instance::InstanceState state_;
  std::vector<instance::Job> jobs_;
  std::map<flux::Shape, std::size_t> shapes_;
};

}  // namespace

instance::InstanceState to_state(const PlanMoment& moment) {
  return ModelState(moment).make();
}

}  // namespace fluxmetrics::plan
