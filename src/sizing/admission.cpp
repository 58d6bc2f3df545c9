#include "sizing/admission.hpp"

#include <algorithm>

namespace fluxmetrics::sizing {
namespace {

struct Kind {
  flux::Amount node;
  std::uint64_t ranks = 0;
};

// How many ranks of each kind `among` has, in the order of their lowest rank.
std::vector<Kind> count_kinds(const std::vector<RankRun>& runs, const flux::IdSet& among) {
  std::vector<Kind> kinds;
  auto run = runs.begin();
  for (const auto& range : among.ranges()) {
    while (run != runs.end() && run->last < range.first)
      ++run;
    for (auto part = run; part != runs.end() && part->first <= range.last; ++part) {
      const std::uint64_t first = std::max(part->first, range.first);
      const std::uint64_t last = std::min(part->last, range.last);
      auto kind = std::ranges::find(kinds, part->total, &Kind::node);
      if (kind == kinds.end()) kind = kinds.insert(kinds.end(), Kind{.node = part->total, .ranks = 0});
      kind->ranks += last - first + 1;
    }
  }
  return kinds;
}

}  // namespace

Admission::Admission(const instance::InstanceState& state, flux::IdSet usable)
    : state_(state),
      all_(state.resources.ranks()),
      usable_(std::move(usable)),
      kinds_(rank_runs(state.resources, {}, all_)),
      queues_(state.queues.size()) {}

Admission::Index Admission::of(std::uint32_t queue, std::uint32_t shape) {
  const auto [known, added] = known_.try_emplace({queue, shape});
  if (added) {
    const auto& constraint = state_.shapes[shape].constraint;
    known->second = intern(of_queue(queue) & evaluate(constraint));
  }
  return known->second;
}

Admission::Index Admission::both(Index a, Index b) {
  if (a == b) return a;
  const auto [known, added] = intersections_.try_emplace(std::minmax(a, b));
  if (added) known->second = intern(sets_[a].ranks & sets_[b].ranks);
  return known->second;
}

flux::Amount Admission::usual_node(const flux::IdSet& among, const Need& need) const {
  const auto kinds = count_kinds(kinds_, among.empty() ? all_ : among);
  const auto holds = [&](const Kind& kind) { return need.fits(kind.node, kind.node) > 0; };
  const Kind* best = nullptr;
  for (const auto& kind : kinds) {
    const bool better = best == nullptr || (holds(kind) && !holds(*best)) ||
                        (holds(kind) == holds(*best) && kind.ranks > best->ranks);
    if (better) best = &kind;
  }
  return best == nullptr ? flux::Amount{} : best->node;
}

Admission::Index Admission::intern(flux::IdSet ranks) {
  const auto [known, added] = index_.try_emplace(ranks, static_cast<Index>(sets_.size()));
  if (added) {
    flux::IdSet usable = ranks & usable_;
    sets_.push_back({.ranks = std::move(ranks), .usable = std::move(usable)});
  }
  return known->second;
}

flux::IdSet Admission::evaluate(const flux::Constraint& constraint) {
  if (constraint.admits_all()) return all_;
  // Without readable host names a constraint on hosts admits none: such a job is reported as unsatisfiable.
  if (!hosts_) hosts_ = state_.resources.hosts().value_or(std::map<flux::IdSet::Id, std::string>{});
  return constraint.admitted(state_.resources, *hosts_);
}

const flux::IdSet& Admission::of_queue(std::uint32_t queue) {
  auto& known = queues_[queue];
  if (!known) known = evaluate(state_.queues[queue].admits);
  return *known;
}

}  // namespace fluxmetrics::sizing
