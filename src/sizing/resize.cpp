#include "sizing/resize.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <utility>

#include "sizing/rooms.hpp"

namespace fluxmetrics::sizing {
namespace {

// The ranks from `first` up to, and without, `end`.
flux::IdSet span_of(std::uint32_t first, std::uint32_t end) {
  return end == 0 ? flux::IdSet{} : flux::IdSet::range(first, end - 1);
}

flux::IdSet undrained(const ResizeObservation& seen) {
  return span_of(0, seen.ranks) - seen.ours - seen.others;
}

flux::IdSet ours_alone(const ResizeObservation& seen) {
  return seen.ours - seen.others;
}

MonoTime::duration ticks(Seconds time) {
  return std::chrono::duration_cast<MonoTime::duration>(time);
}

bool within(MonoTime seen, MonoTime now, Seconds age) {
  return now - seen <= ticks(age);
}

// An observation, and how far it can be trusted.
class Sight {
 public:
  Sight(const ResizeObservation& seen, const ResizePolicy& policy) : seen_(seen), policy_(policy) {}

  [[nodiscard]] bool flux_known() const { return within(seen_.flux_seen, seen_.now, policy_.stale_after); }
  [[nodiscard]] bool cluster_known() const { return cluster_within(policy_.stale_after); }
  [[nodiscard]] bool may_grow() const {
    return within(seen_.flux_seen, seen_.now, policy_.grow_for) && cluster_within(policy_.grow_for);
  }
  [[nodiscard]] bool sizes_agree() const {
    return !seen_.cluster || seen_.cluster->parallelism.value_or(seen_.cluster->size) == seen_.cluster->size;
  }
  // What was asked for.
  [[nodiscard]] std::uint32_t size() const {
    return seen_.cluster ? seen_.cluster->size : end_of(seen_.online);
  }
  // What there is: the Job's size, else the one asked for, else what Flux shows.
  [[nodiscard]] std::uint32_t in_effect() const {
    return seen_.cluster ? seen_.cluster->parallelism.value_or(seen_.cluster->size) : end_of(seen_.online);
  }
  // What a rank must be below for it to stay, as far as sizes go.
  [[nodiscard]] std::uint32_t stays_below() const {
    return seen_.cluster ? std::min(size(), in_effect()) : std::numeric_limits<std::uint32_t>::max();
  }
  [[nodiscard]] const flux::IdSet& joined() const {
    return seen_.cluster ? seen_.cluster->joined : seen_.online;
  }
  // Ranks whose pod goes, and with it the rank, unless the size grows again.
  [[nodiscard]] flux::IdSet doomed() const {
    return seen_.cluster ? seen_.cluster->terminating & span_of(std::max(1U, size()), seen_.ranks)
                         : flux::IdSet{};
  }
  // Ranks on which a job would not live long: their pod goes, and no broker of one that stays is online.
  [[nodiscard]] flux::IdSet without_future() const {
    if (!seen_.cluster) return {};
    return doomed() | (seen_.cluster->terminating - seen_.cluster->joined - span_of(0, 1));
  }
  // Ranks whose pod goes, or will as soon as the operator has seen the size, and on which a second broker may
  // cost a job.
  [[nodiscard]] flux::IdSet not_to_grow_over() const {
    return (doomed() | (span_of(0, in_effect()) - span_of(0, size()))) - (ours_alone(seen_) - seen_.busy);
  }

 private:
  [[nodiscard]] bool cluster_within(Seconds age) const {
    if (!policy_.watches_cluster) return true;
    return seen_.cluster && within(seen_.cluster->seen, seen_.now, age);
  }
  const ResizeObservation& seen_;
  const ResizePolicy& policy_;
};

// What a step decides with.
struct Plan {
  std::uint32_t need = 1;
  std::uint32_t grown = 1;                   // as much of it as may be asked for
  std::uint32_t target = 1;                  // and with what must be kept
  std::uint32_t told = 0;                    // what no reader can make the size smaller than
  flux::IdSet old_pods;                      // that are in the way
  ResizeWait lacking = ResizeWait::nothing;  // to give anything back
};

// What an observation lacks to give anything back on it.
ResizeWait missing(const Sight& sight) {
  if (!sight.flux_known()) return ResizeWait::flux_silent;
  if (!sight.cluster_known()) return ResizeWait::cluster_silent;
  if (!sight.sizes_agree()) return ResizeWait::sizes_differ;
  return ResizeWait::nothing;
}

// What there is to wait for.
void explain(ResizeActions& actions, const ResizeObservation& seen, const Sight& sight, const Plan& plan) {
  const auto wait_for = [&](ResizeWait why, flux::IdSet ranks = {}) {
    actions.wait = why;
    actions.waits_for = std::move(ranks);
  };
  const bool silent = !sight.flux_known() || !sight.cluster_known();
  if (plan.grown < plan.need) {
    if (silent) return wait_for(missing(sight));
    return wait_for(ResizeWait::old_pod, plan.old_pods);
  }
  if (plan.target > plan.need) {
    if (plan.lacking != ResizeWait::nothing) return wait_for(plan.lacking);
    auto open = ranks_to_drain(seen, plan.need);
    if (!open.empty()) return wait_for(ResizeWait::drain, std::move(open));
    auto busy = seen.busy - span_of(0, plan.need);
    if (!busy.empty()) return wait_for(ResizeWait::jobs, std::move(busy));
    return wait_for(ResizeWait::last_shrink);
  }
  auto drained = ours_alone(seen) & span_of(0, plan.need) & (span_of(0, seen.ranks) - actions.undrain);
  if (silent && !drained.empty()) return wait_for(missing(sight));
  // A size that the operator ignores stays different for ever.
  if (!sight.sizes_agree()) return wait_for(ResizeWait::sizes_differ);
  if (drained.empty()) return;
  const auto unread = seen.handed_out == 0 ? ResizeWait::no_reader : ResizeWait::reader;
  const bool read = plan.told > *drained.first();
  wait_for(read ? ResizeWait::broker : unread, std::move(drained));
}

}  // namespace

flux::IdSet ranks_to_drain(const ResizeObservation& seen, std::uint32_t size) {
  return undrained(seen) & span_of(std::max(1U, size), seen.ranks);
}

std::uint32_t smallest_safe_size(const ResizeObservation& seen, std::uint32_t size) {
  return std::max({size, end_of(undrained(seen)), end_of(seen.busy)});
}

flux::IdSet ranks_to_undrain_at_end(const ResizeObservation& seen, const ResizePolicy& policy) {
  const Sight sight(seen, policy);
  if (!sight.flux_known() || !sight.cluster_known() || seen.handed_out == 0) return {};
  const auto ours = ours_alone(seen);
  auto ranks = ours & sight.joined() & span_of(0, std::min(seen.handed_out, sight.stays_below()));
  // Without a shrink under way those without a broker are safe, too: whoever grows later should find them
  // usable. Not so a rank whose broker may be that of a pod that goes.
  if (sight.sizes_agree() && seen.handed_out >= sight.in_effect()) {
    ranks |= ours - (seen.online - sight.joined());
    if (seen.cluster) ranks = ranks - seen.cluster->terminating;
  }
  return ranks;
}

ResizeActions Resize::step(const ResizeObservation& seen) {
  const Sight sight(seen, policy_);
  Plan plan;
  plan.need = std::clamp(seen.need, std::max(1U, policy_.min), std::max({1U, policy_.min, policy_.max}));
  const auto effective = policy_.writes       ? sight.size()
                         : seen.published > 0 ? seen.published
                                              : sight.in_effect();
  if (!began_) began_ = fell_ = seen.now;
  if (effective < last_) fell_ = seen.now;
  last_ = effective;

  plan.lacking = missing(sight);
  if (plan.lacking == ResizeWait::nothing && seen.now < *began_ + ticks(policy_.hold))
    plan.lacking = ResizeWait::just_started;
  const bool knows = plan.lacking == ResizeWait::nothing;
  const bool may_shrink = knows && seen.now >= fell_ + ticks(policy_.shrink_every);
  plan.old_pods = sight.not_to_grow_over() & (span_of(0, plan.need) - span_of(0, sight.size()));
  plan.grown = !sight.may_grow()       ? std::min(plan.need, effective)
               : plan.old_pods.empty() ? plan.need
                                       : *plan.old_pods.first();

  ResizeActions actions;
  if (sight.flux_known()) {
    const auto kept_open = knows ? plan.grown : std::max(plan.grown, effective);
    // What a writer may still bring about was drained once; but a restart of the broker forgets drains.
    const auto handed_out = seen.handed_out == 0 ? nobody : seen.handed_out;
    actions.drain = ranks_to_drain(seen, std::min(kept_open, handed_out));
    if (sight.cluster_known()) actions.drain |= sight.without_future() - seen.ours - seen.others;
  }
  // What could be taken from under a job is kept; but no size is asked for on account of it.
  const auto kept =
      std::min(smallest_safe_size(seen, 0), std::max({sight.size(), sight.in_effect(), effective}));
  const auto safe = std::max(plan.grown, kept);
  plan.target = may_shrink ? safe : std::max(safe, effective);
  const bool anything_known = seen.published > 0 || (sight.flux_known() && sight.cluster_known());
  actions.publish = anything_known ? plan.target : 0;
  if (policy_.writes && plan.grown > sight.size()) {
    actions.scale = plan.grown;
  } else if (policy_.writes && may_shrink && safe < sight.size() && safe <= policy_.max) {
    actions.scale = safe;
  }
  plan.told = std::min(seen.handed_out, policy_.writes ? nobody : seen.published);
  if (sight.flux_known() && sight.cluster_known()) {
    const auto below = std::min({plan.need, plan.told, sight.stays_below()});
    actions.undrain = ours_alone(seen) & sight.joined() & span_of(0, below);
  }
  explain(actions, seen, sight, plan);
  return actions;
}

std::string to_sentence(const ResizeActions& actions) {
  const auto ranks =
      fmt::format("{} {}", actions.waits_for.size() == 1 ? "rank" : "ranks", actions.waits_for.to_string());
  const auto* are = actions.waits_for.size() == 1 ? "is" : "are";
  const auto* stay = actions.waits_for.size() == 1 ? "stays" : "stay";
  switch (actions.wait) {
    case ResizeWait::nothing:
      return {};
    case ResizeWait::flux_silent:
      return "Flux has been silent for too long: no rank is given back or undrained until it answers";
    case ResizeWait::cluster_silent:
      return "nothing new is known of the MiniCluster, its Job and its pods: no rank is given back or "
             "undrained until the API server answers";
    case ResizeWait::sizes_differ:
      return "spec.size and the Job's parallelism differ: the operator is not done yet, or ignores this "
             "size; no rank is given back until they are equal";
    case ResizeWait::just_started:
      return "just started, without a memory of what was needed before: no rank is given back yet";
    case ResizeWait::drain:
      return fmt::format("{} {} not drained yet", ranks, are);
    case ResizeWait::jobs:
      return fmt::format("{} {} drained and still in use: the size falls when {} empty", ranks, are,
                         actions.waits_for.size() == 1 ? "it is" : "they are");
    case ResizeWait::last_shrink:
      return "the last shrink is too recent for the next one";
    case ResizeWait::old_pod:
      return fmt::format(
          "the old pod of {} still runs, and it is not so that we drained {} and nothing runs there: a "
          "new pod could cost a job",
          ranks, actions.waits_for.size() == 1 ? "it" : "them");
    case ResizeWait::reader:
      return fmt::format("{} {} drained until the larger size is read", ranks, stay);
    case ResizeWait::no_reader:
      return fmt::format(
          "{} {} drained until a size was read from this server and what one before it said cannot be acted "
          "on "
          "any more",
          ranks, stay);
    case ResizeWait::broker:
      return fmt::format("{} {} drained until the broker of a pod that stays is online", ranks, stay);
  }
  return {};
}

}  // namespace fluxmetrics::sizing
