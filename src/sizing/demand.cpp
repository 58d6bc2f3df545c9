#include "sizing/demand.hpp"

#include <algorithm>

#include "sizing/admission.hpp"
#include "sizing/denied.hpp"
#include "sizing/load.hpp"
#include "sizing/packing.hpp"
#include "sizing/queue_demand.hpp"
#include "sizing/rooms.hpp"
#include "sizing/workload.hpp"

namespace fluxmetrics::sizing {
namespace {

// The usable ranks with the room they have now.
Runs usable_runs(const instance::InstanceState& state, const flux::IdSet& usable) {
  return to_runs(rank_runs(state.resources, state.allocated, usable));
}

std::uint32_t lowest_safe_size(const instance::InstanceState& state) {
  return std::max<std::uint32_t>(1, end_of(busy_ranks(state.allocated) - state.offline));
}

// How many ranks the running jobs need. They do not move: that they would lie on other ranks if they started
// now asks for no node, unless they hold some that are lost.
std::uint32_t ranks_for_running(const instance::InstanceState& state, const Groups& running,
                                const Runs& ranks, const Admission& admission, std::uint32_t safe_min) {
  const auto packed = ranks_to_keep_running(state, running, ranks, admission, safe_min);
  const bool lost = !(busy_ranks(state.allocated) & state.offline).empty();
  return lost ? packed : std::min(packed, safe_min);
}

// Whether a job of the group could start if every rank of R that is not excluded were up and empty. Where R
// is not known, nothing is impossible.
bool may_ever_fit(const instance::InstanceState& state, const Group& group, const Admission& admission) {
  const auto all = state.resources.ranks() - state.excluded;
  if (all.empty()) return true;
  Runs runs = to_runs(rank_runs(state.resources, {}, all));
  open_only(runs, admission.ranks(group.admitted));
  return lowest_fit(runs, group.need, true).has_value();
}

// Places the eligible jobs and collects the ranks that this takes.
class Placement {
 public:
  Placement(const Groups& groups, const Admission& admission, Runs ranks)
      : groups_(groups), admission_(admission), ranks_(std::move(ranks)), firsts_(groups.size()) {
    for (std::size_t i = 0; i < groups.size(); ++i)
      find_first(i);
  }

  void run() {
    for (const auto& batch : in_order(groups_, admission_)) {
      const Group& group = groups_[batch.group];
      const auto& first = firsts_[batch.group];
      if (!first) continue;
      open_only(ranks_, admission_.usable(group.admitted));
      // A job without room waits for running ones: the ranks on which it fits by itself are all it can ask
      // for.
      if (place(ranks_, group.need, batch.jobs) < batch.jobs)
        needed_ |= flux::IdSet::from_ranges(first->bins);
      merge(ranks_);
    }
    std::vector<flux::IdSet::Range> touched;
    for (const Run& run : ranks_) {
      if (!run.touched) continue;
      touched.push_back(
          {static_cast<flux::IdSet::Id>(run.first), static_cast<flux::IdSet::Id>(run.end() - 1)});
    }
    needed_ |= flux::IdSet::from_ranges(std::move(touched));
  }

  // Distinct ranks of the placement and of the jobs that wait.
  [[nodiscard]] const flux::IdSet& needed() const { return needed_; }
  [[nodiscard]] std::uint64_t unsatisfiable() const { return unsatisfiable_; }
  // Whether the jobs of this group could start on the usable ranks if nothing ran.
  [[nodiscard]] bool fits(std::size_t group) const { return firsts_[group].has_value(); }
  // The largest number of ranks that one job by itself asks for.
  [[nodiscard]] std::uint32_t widest() const { return widest_; }

 private:
  // Where one job of the group fits by itself: as things are, else when nothing runs.
  void find_first(std::size_t index) {
    const Group& group = groups_[index];
    Runs runs = ranks_;
    open_only(runs, admission_.usable(group.admitted));
    auto& first = firsts_[index];
    first = lowest_fit(runs, group.need, false);
    if (!first) first = lowest_fit(runs, group.need, true);
    if (!first) {
      unsatisfiable_ += group.jobs();
    } else {
      widest_ = std::max(widest_, static_cast<std::uint32_t>(first->end));
    }
  }

  const Groups& groups_;
  const Admission& admission_;
  Runs ranks_;
  std::vector<std::optional<Fit>> firsts_;
  flux::IdSet needed_;
  std::uint64_t unsatisfiable_ = 0;
  std::uint32_t widest_ = 0;
};

std::uint64_t unknown_shapes(const instance::InstanceState& state) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(state.jobs, [&](const auto& job) { return !state.shapes[job.shape].known; }));
}

std::uint32_t target_of(const Demand& demand, SizeRule rule) {
  switch (rule) {
    case SizeRule::all:
      return demand.wanted_all;
    case SizeRule::head_of_line:
      return std::max(demand.run, demand.head);
    case SizeRule::wanted:
      break;
  }
  return std::max({demand.run, demand.wide, std::min(demand.wanted_all, demand.load)});
}

// What depends on time.
void set_load(Demand& demand, const instance::InstanceState& state, const SizePolicy& policy, WallTime now,
              const Runs& ranks, Admission& admission) {
  demand.load = ranks_for_load(state, ranks, policy.patience, now, admission);
  const auto denied = denied_lately(state, policy, ranks, admission, now);
  demand.denied = denied.jobs;
  demand.denied_wide = denied.ranks;
  demand.target = std::max(target_of(demand, policy.rule), demand.denied_wide);
}

}  // namespace

flux::IdSet usable_ranks(const instance::InstanceState& state, const SizePolicy& policy) {
  const std::uint32_t limit = std::min(state.size, policy.max_replicas.value_or(state.size));
  if (limit == 0) return {};
  const auto drained_by_others = state.drained() - state.drained_by_us();
  return (state.resources.ranks() & flux::IdSet::range(0, limit - 1)) - state.excluded - state.torpid -
         drained_by_others;
}

Demand compute_demand(const instance::InstanceState& state, const SizePolicy& policy, WallTime now) {
  const auto usable = usable_ranks(state, policy);
  const Runs ranks = usable_runs(state, usable);
  Admission admission(state, usable);
  const Groups eligible = eligible_groups(state, admission);
  const Groups running = running_groups(state, admission);
  Placement placement(eligible, admission, ranks);
  placement.run();

  Demand demand;
  demand.safe_min = lowest_safe_size(state);
  demand.wanted_all =
      std::min(state.size, std::max({policy.min_replicas, demand.safe_min, end_of(placement.needed())}));
  demand.shortage = static_cast<std::uint32_t>((placement.needed() & state.offline).size());
  demand.unsatisfiable = placement.unsatisfiable();
  demand.shape_unknown = unknown_shapes(state);
  Groups possible;
  for (std::size_t i = 0; i < eligible.size(); ++i) {
    if (placement.fits(i) || may_ever_fit(state, eligible[i], admission)) {
      possible.push_back(eligible[i]);
    } else {
      demand.impossible.emplace(eligible[i].queue, eligible[i].shape);
    }
  }
  demand.queues = demand_by_queue(state, possible, running, admission);
  demand.run = ranks_for_running(state, running, ranks, admission, demand.safe_min);
  demand.wide = placement.widest();
  if (policy.rule == SizeRule::head_of_line) {
    const Groups first = first_groups(state, demand.impossible, admission);
    Placement heads(first, admission, ranks);
    heads.run();
    demand.head = end_of(heads.needed());
  }
  set_load(demand, state, policy, now, ranks, admission);
  return demand;
}

Demand at_time(Demand demand, const instance::InstanceState& state, const SizePolicy& policy, WallTime now) {
  const auto usable = usable_ranks(state, policy);
  Admission admission(state, usable);
  set_load(demand, state, policy, now, usable_runs(state, usable), admission);
  return demand;
}

}  // namespace fluxmetrics::sizing
