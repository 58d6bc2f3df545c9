#include "simulate/fluxion_scheduler.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "simulate/queues.hpp"
#include "simulate/resources.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

using Second = FluxionScheduler::Second;

// Of a job that starts at `begin`: the end of its limit, rounded up.
Second end_of(const Job& job, Second begin) {
  const double duration = job.terms.request.duration;
  if (duration <= 0 || duration >= static_cast<double>(FluxionScheduler::graph_end - begin))
    return FluxionScheduler::graph_end;
  return begin + static_cast<Second>(std::ceil(duration));
}

bool holds(const Job& job) {
  return job.R && !job.placement.slices.empty();
}

json::object annotation(json::object sched) {
  return {{"sched", std::move(sched)}};
}

}  // namespace

FluxionScheduler::FluxionScheduler(FluxionOptions options, const Queues& queues, Resources& resources)
    : options_(std::move(options)), match_(options_.match()), resources_(resources) {
  for (const Queue& queue : queues.all())
    queues_.push_back({.policy = options_.policy_of(queue.name)});
  for (std::size_t i = 0; i < queues_.size(); ++i)
    order_.push_back(i);
  std::ranges::sort(order_, {}, [&](std::size_t i) { return queues.all()[i].name; });
  for (const flux::IdSet::Id rank : resources.all().ranks())
    whole_.push_back(resources.pool().whole(rank));
  weights_.assign(whole_.size(), std::numeric_limits<std::uint64_t>::max());
}

void FluxionScheduler::schedule(AllocRequests& requests, Time time) {
  const auto now = static_cast<Second>(std::floor(time));
  for (const std::size_t queue : order_) {
    forget_reservations(queue);
    queues_[queue].blocked.clear();
    if (queues_[queue].policy == QueuePolicy::fcfs)
      first_come(requests, queue, now);
    else
      while (backfill(requests, queue, now))
        forget_reservations(queue);
  }
}

void FluxionScheduler::forget_reservations(std::size_t queue) {
  std::erase_if(reservations_, [&](const Span& span) { return span.queue == queue; });
}

void FluxionScheduler::first_come(AllocRequests& requests, std::size_t queue, Second now) {
  for (Job* job = requests.next(nullptr); job != nullptr; job = requests.next(job)) {
    if (job->queue != queue) continue;
    Outcome outcome = attempt(requests, *job, false, now);
    if (outcome.verdict == Verdict::busy) return;
    if (outcome.verdict == Verdict::unsatisfiable)
      deny(requests, *job);
    else
      start(requests, *job, std::move(outcome.placement), "immediate", now);
  }
}

bool FluxionScheduler::backfill(AllocRequests& requests, std::size_t queue, Second now) {
  QueueState& state = queues_[queue];
  const std::uint32_t depth = reservation_depth(state.policy);
  std::uint32_t looked_at = 0;
  std::uint32_t reserved = 0;
  bool moved = false;
  for (Job* job = requests.next(nullptr); job != nullptr; job = requests.next(job)) {
    if (job->queue != queue) continue;
    if (looked_at == queue_depth) return moved;
    const bool may_reserve = reserved < depth;
    Outcome outcome = attempt(requests, *job, may_reserve, now);
    ++looked_at;
    switch (outcome.verdict) {
      case Verdict::starts:
        start(requests, *job, std::move(outcome.placement),
              job->reserved_for ? "reserved"
              : reserved > 0    ? "backfill"
                                : "immediate",
              now);
        moved = true;
        break;
      case Verdict::reserved:
        reserve(requests, *job, std::move(outcome));
        ++reserved;
        break;
      case Verdict::unsatisfiable:
        deny(requests, *job);
        moved = true;
        break;
      case Verdict::busy:
        if (may_reserve) {
          // Not even later, as things are. It waits until they change, and is in nobody's way.
          state.blocked.insert(job->id);
          --looked_at;
        } else if (job->reserved_for) {
          requests.annotate(*job, {});
        }
        job->reserved_for.reset();
        break;
    }
  }
  return false;
}

std::optional<FluxionScheduler::Verdict> FluxionScheduler::refused_at_once(AllocRequests& requests,
                                                                           const Job& job,
                                                                           bool reserve) const {
  const flux::Shape& shape = job.terms.request.shape;
  const std::uint64_t nodes = options_.prunes_nodes() ? shape.nodes.value_or(0) : 0;
  const Verdict refused = reserve ? Verdict::busy : Verdict::unsatisfiable;
  if (nodes > resources_.up().size()) return refused;
  if (!job.constrained) return std::nullopt;
  flux::IdSet able = job.admitted & (reserve ? resources_.up() : resources_.schedulable());
  // Who holds entire nodes without a limit holds them at the end of time too.
  for (const auto& [id, other] : requests.running()) {
    if (!holds(*other) || other->R->expiration < static_cast<double>(graph_end)) continue;
    if (other->terms.request.shape.exclusive || match_.node_exclusive) able = able - other->ranks;
  }
  if (able.size() < nodes) return refused;
  return std::nullopt;
}

FluxionScheduler::Outcome FluxionScheduler::attempt(AllocRequests& requests, const Job& job, bool reserve,
                                                    Second now) {
  Outcome outcome = find(requests, job, reserve, now);
  const bool found = outcome.verdict == Verdict::starts || outcome.verdict == Verdict::reserved;
  Matches& matches = found ? matched_ : unmatched_;
  ++matches.count;
  matches.latest = job.id;
  return outcome;
}

FluxionScheduler::Outcome FluxionScheduler::find(AllocRequests& requests, const Job& job, bool reserve,
                                                 Second now) const {
  if (const auto verdict = refused_at_once(requests, job, reserve)) return {.verdict = *verdict};
  if (auto placement = place_now(job, now))
    return {.verdict = Verdict::starts, .placement = std::move(*placement), .at = now};
  if (reserve) {
    std::vector<Span> running;
    std::set<Second> times;
    for (const auto& [id, other] : requests.running()) {
      if (!holds(*other)) continue;
      const auto begin = static_cast<Second>(other->R->starttime);
      running.push_back({.begin = begin, .end = end_of(*other, begin), .placement = other->placement});
      times.insert(running.back().end);
    }
    for (const Span& span : reservations_) {
      times.insert(span.begin);
      times.insert(span.end);
    }
    for (const Second at : times) {
      if (at <= now) continue;
      auto placement = place_at(job, at, running);
      if (!placement) continue;
      if (at >= graph_end) return {.verdict = Verdict::busy};
      return {.verdict = Verdict::reserved, .placement = std::move(*placement), .at = at};
    }
  }
  const bool ever = place_ever(job.terms.request.shape, job.admitted).has_value();
  return {.verdict = ever ? Verdict::busy : Verdict::unsatisfiable};
}

std::optional<Placement> FluxionScheduler::place_now(const Job& job, Second now) const {
  std::vector<MatchNode> nodes;
  for (const flux::IdSet::Id rank : resources_.up() & job.admitted) {
    MatchNode node{.free = resources_.pool().free(rank), .idle = true, .weight = weights_[rank]};
    if (node.free.cores.empty()) continue;
    node.idle = node.free.cores.size() == whole_[rank].cores.size() &&
                node.free.gpus.size() == whole_[rank].gpus.size();
    nodes.push_back(std::move(node));
  }
  subtract_reservations(nodes, now, end_of(job, now));
  return match(job.terms.request.shape, match_, std::move(nodes), whole_);
}

std::optional<Placement> FluxionScheduler::place_at(const Job& job, Second at,
                                                    const std::vector<Span>& running) const {
  std::vector<MatchNode> nodes;
  std::vector<std::size_t> index(whole_.size(), whole_.size());
  for (const flux::IdSet::Id rank : resources_.up() & job.admitted) {
    index[rank] = nodes.size();
    nodes.push_back({.free = whole_[rank], .idle = true, .weight = weights_[rank]});
  }
  for (const Span& span : running) {
    if (span.end <= at) continue;
    for (const Slice& slice : span.placement.slices) {
      if (index[slice.rank] == whole_.size()) continue;
      MatchNode& node = nodes[index[slice.rank]];
      node.free.cores = node.free.cores - slice.cores;
      node.free.gpus = node.free.gpus - slice.gpus;
      node.idle = false;
    }
  }
  subtract_reservations(nodes, at, end_of(job, at));
  return match(job.terms.request.shape, match_, std::move(nodes), whole_);
}

void FluxionScheduler::subtract_reservations(std::vector<MatchNode>& nodes, Second from, Second until) const {
  for (const Span& span : reservations_) {
    if (span.end <= from || span.begin >= until) continue;
    for (const Slice& slice : span.placement.slices) {
      const auto node =
          std::ranges::lower_bound(nodes, slice.rank, {}, [](const MatchNode& at) { return at.free.rank; });
      if (node == nodes.end() || node->free.rank != slice.rank) continue;
      node->free.cores = node->free.cores - slice.cores;
      node->free.gpus = node->free.gpus - slice.gpus;
      node->idle = false;
    }
  }
}

std::optional<Placement> FluxionScheduler::place_ever(const flux::Shape& shape,
                                                      const flux::IdSet& admitted) const {
  std::vector<MatchNode> nodes;
  for (const flux::IdSet::Id rank : admitted& resources_.schedulable())
    nodes.push_back({.free = whole_[rank], .idle = true, .weight = weights_[rank]});
  return match(shape, match_, std::move(nodes), whole_);
}

void FluxionScheduler::weigh(const Placement& placement) {
  for (const Slice& slice : placement.slices)
    weights_[slice.rank] = resources_.pool().free(slice.rank).cores.size();
}

void FluxionScheduler::start(AllocRequests& requests, Job& job, Placement placement, std::string_view how,
                             Second now) {
  ++queues_[job.queue].counts.running;
  Grant granted = grant(job, placement, static_cast<Time>(now));
  granted.annotations = annotation({{"selection_type", how}});
  requests.succeed(job, std::move(granted));
  weigh(placement);
}

void FluxionScheduler::reserve(AllocRequests& requests, Job& job, Outcome outcome) {
  ++queues_[job.queue].counts.reserved;
  if (job.reserved_for != outcome.at) {
    requests.annotate(
        job, annotation({{"t_estimate", static_cast<double>(outcome.at)}, {"selection_type", "reserved"}}));
  }
  job.reserved_for = outcome.at;
  weigh(outcome.placement);
  const Second end = end_of(job, outcome.at);
  reservations_.push_back(
      {.begin = outcome.at, .end = end, .placement = std::move(outcome.placement), .queue = job.queue});
}

void FluxionScheduler::deny(AllocRequests& requests, Job& job) {
  ++queues_[job.queue].counts.rejected;
  requests.deny(job, R"(alloc denied due to type="unsatisfiable")");
}

Grant FluxionScheduler::grant(const Job& job, Placement placement, Time since) const {
  flux::ResourceSet R = make_resource_set(placement.slices, resources_.hosts(), resources_.properties());
  const auto begin = static_cast<Second>(std::floor(since));
  // Fluxion's writer keeps what ranks have as text, and the texts in order.
  std::ranges::sort(R.entries, {}, [](const flux::ResourceSet::Entry& entry) {
    return fmt::format("{}\"{}", entry.cores.to_string(),
                       entry.gpus.empty() ? "}" : "," + entry.gpus.to_string());
  });
  R.starttime = static_cast<double>(begin);
  R.expiration = static_cast<double>(end_of(job, begin));
  return {.placement = std::move(placement),
          .R = std::move(R),
          .annotations = annotation({{"selection_type", "immediate"}})};
}

Result<void> FluxionScheduler::feasible(const flux::Shape& shape, const flux::IdSet& admitted) const {
  if (place_ever(shape, admitted)) return {};
  return fail_errno(Code::invalid, ENODEV, "Unsatisfiable request");
}

}  // namespace fluxmetrics::simulate
