#include "sizing/load.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "sizing/arithmetic.hpp"

namespace fluxmetrics::sizing {
namespace {

// Fractions of jobs are summed as whole billionths, so that no order of the jobs changes a sum.
constexpr std::uint64_t one = 1'000'000'000;

std::uint64_t highest_touched(const Runs& runs) {
  std::uint64_t end = 0;
  for (const Run& run : runs)
    if (run.touched) end = std::max(end, run.end());
  return end;
}

// What is allocated and not held by a job: housekeeping keeps resources after the job has gone.
// What an offline rank held is lost already.
flux::Amount held_by_housekeeping(const instance::InstanceState& state, const Groups& running,
                                  const Admission& admission) {
  const flux::Amount all = state.allocated.total_of(state.allocated.ranks() - state.offline);
  flux::Amount jobs;
  bool all_known = true;
  for (const auto& group : running) {
    const flux::Amount node = admission.usual_node(admission.ranks(group.admitted), group.need);
    const flux::Amount each = group.held_by_each(node);
    jobs.cores = sum(jobs.cores, product(group.jobs(), each.cores));
    jobs.gpus = sum(jobs.gpus, product(group.jobs(), each.gpus));
    all_known = all_known && state.shapes[group.shape].known;
  }
  return {.cores = all.cores - std::min(all.cores, jobs.cores),
          .gpus = all_known ? all.gpus - std::min(all.gpus, jobs.gpus) : 0};
}

// The part of a job, in billionths, that lasts longer than `patience`; all of it when its end is not known.
std::uint64_t lasting_part(double seconds, double patience) {
  if (patience <= 0 || seconds >= patience) return one;
  if (!(seconds > 0)) return 0;
  return static_cast<std::uint64_t>(std::llround(seconds / patience * static_cast<double>(one)));
}

std::uint64_t lasting_part_of_running(const instance::Job& job, double patience, double now) {
  if (job.expiration > 0) return lasting_part(job.expiration - now, patience);
  if (job.duration > 0 && job.t_run > 0) return lasting_part(job.t_run + job.duration - now, patience);
  return one;
}

std::uint64_t lasting_part_of_waiting(const instance::Job& job, double patience, double now) {
  const double since = job.t_sched > 0 ? job.t_sched : job.t_submit;
  const bool waited_long = since > 0 && now - since > 2 * patience;
  if (waited_long || job.duration <= 0) return one;
  return lasting_part(job.duration, patience);
}

// How many nodes one job fills.
double node_equivalents(const flux::Shape& shape, const flux::IdSet& usable, const Admission& admission,
                        bool whole_nodes) {
  const Need need = need_of(shape, whole_nodes);
  if (need.exclusive) return static_cast<double>(need.ranks_on(admission.usual_node(usable, need)));
  const double nodes = shape.nodes.value_or(0);
  const flux::Amount slot{.cores = shape.cores, .gpus = shape.gpus};
  const Need one_slot{.by_node = false, .pieces = 1, .piece = slot, .exclusive = false};
  const std::uint64_t on_a_node = how_often(slot, admission.usual_node(usable, one_slot));
  const double slots = shape.nodes ? nodes * shape.slots : shape.slots;
  if (on_a_node == 0) return shape.nodes ? nodes : slots;
  return slots / static_cast<double>(on_a_node);
}

// Jobs that pack, and count, alike.
struct WorkKind {
  std::uint32_t queue = 0;
  std::uint32_t shape = 0;
  bool running = false;
  auto operator<=>(const WorkKind&) const = default;
};
struct Work {
  std::uint64_t jobs = 0;
  std::uint64_t lasting = 0;  // billionths of jobs
};

std::map<WorkKind, Work> lasting_work(const instance::InstanceState& state, double patience, double now) {
  std::map<WorkKind, Work> work;
  auto last = work.end();
  for (const auto& job : state.jobs) {
    const bool running = is_running(job);
    if (!running && !state.eligible(job)) continue;
    const WorkKind kind{.queue = job.queue, .shape = job.shape, .running = running};
    if (last == work.end() || last->first != kind) last = work.try_emplace(kind).first;
    ++last->second.jobs;
    last->second.lasting +=
        running ? lasting_part_of_running(job, patience, now) : lasting_part_of_waiting(job, patience, now);
  }
  return work;
}

struct SetLoad {
  Admission::Index set;
  double nodes = 0;   // that the lasting work of its jobs fills
  double margin = 0;  // how far rounding may have moved the sum
};

// The end of the smallest n whose ranks below n hold `count` of `ranks`; of all of them when there are fewer.
std::uint32_t end_of_first(const flux::IdSet& ranks, double count) {
  if (count <= 0 || ranks.empty()) return 0;
  double missing = count;
  for (const auto& range : ranks.ranges()) {
    const double size = static_cast<double>(range.last) - range.first + 1;
    if (missing <= size) return static_cast<std::uint32_t>(range.first + missing);
    missing -= size;
  }
  return *ranks.last() + 1;
}

bool fits_when_empty(Runs ranks, const flux::IdSet& usable, const Need& need) {
  open_only(ranks, usable);
  return lowest_fit(ranks, need, true).has_value();
}

bool is_subset(const flux::IdSet& part, const flux::IdSet& whole) {
  return (part - whole).empty();
}

}  // namespace

std::uint32_t ranks_to_keep_running(const instance::InstanceState& state, const Groups& running,
                                    const Runs& ranks, const Admission& admission, std::uint32_t otherwise) {
  Runs runs = emptied(ranks);
  for (const auto& batch : in_order(running, admission)) {
    const Group& group = running[batch.group];
    open_only(runs, admission.usable(group.admitted));
    if (place(runs, group.need, batch.jobs) < batch.jobs) return otherwise;
    merge(runs);
  }
  for (Run& run : runs)
    run.open = true;
  const auto rest = held_by_housekeeping(state, running, admission);
  const Need cores{
      .by_node = false, .pieces = rest.cores, .piece = {.cores = 1, .gpus = 0}, .exclusive = false};
  const Need gpus{
      .by_node = false, .pieces = rest.gpus, .piece = {.cores = 0, .gpus = 1}, .exclusive = false};
  if (place(runs, cores, 1) == 0 || place(runs, gpus, 1) == 0) return otherwise;
  return static_cast<std::uint32_t>(highest_touched(runs));
}

std::uint32_t ranks_for_load(const instance::InstanceState& state, const Runs& ranks, Seconds patience,
                             WallTime now, Admission& admission) {
  const bool whole = state.scheduler.whole_nodes();
  std::vector<SetLoad> loads;
  for (const auto& [kind, work] : lasting_work(state, patience.count(), to_unix(now))) {
    const auto& shape = state.shapes[kind.shape];
    const auto set = admission.of(kind.queue, kind.shape);
    const auto& usable = admission.usable(set);
    if (usable.empty() || (!kind.running && !fits_when_empty(ranks, usable, need_of(shape, whole)))) continue;
    const double each = node_equivalents(shape, usable, admission, whole);
    auto load = std::ranges::find(loads, set, &SetLoad::set);
    if (load == loads.end()) load = loads.insert(loads.end(), SetLoad{.set = set});
    load->nodes += each * (static_cast<double>(work.lasting) / static_cast<double>(one));
    load->margin += each * static_cast<double>(work.jobs) / static_cast<double>(one);
  }
  std::uint32_t end = 0;
  for (const auto& load : loads) {
    // Jobs that are admitted to a part of these ranks only fill them too.
    double nodes = 0;
    double margin = 1e-9;
    for (const auto& other : loads) {
      if (!is_subset(admission.usable(other.set), admission.usable(load.set))) continue;
      nodes += other.nodes;
      margin += other.margin;
    }
    end = std::max(end, end_of_first(admission.usable(load.set), std::ceil(nodes - margin)));
  }
  return end;
}

}  // namespace fluxmetrics::sizing
