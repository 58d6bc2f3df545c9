#include "sizing/resize_world.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <utility>

#include "sizing/resize_cluster.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::sizing {
namespace {

using std::uint32_t;
constexpr uint32_t most_ranks = 6;

// How the size is written.
enum class Road : std::uint8_t {
  hpa,         // acts on what it read, before it reads again
  late_hpa,    // acts on what it read one sync before
  controller,  // the machine itself patches
};

flux::IdSet span_below(uint32_t end) {
  return end == 0 ? flux::IdSet{} : flux::IdSet::range(0, end - 1);
}

MonoTime at(Millis ms) {
  return MonoTime(std::chrono::milliseconds(ms));
}

class World {
 public:
  World(std::uint64_t seed, Mutant mutant, bool record)
      : cluster_(seed, record), mutant_(mutant), policy_(make_policy()), machine_(machine_policy()) {
    cluster_.ranks.resize(2 + cluster_.dice.roll(most_ranks - 1));
    policy_.max = std::max<uint32_t>(policy_.min, cluster_.count() - cluster_.dice.roll(2));
    cluster_.least = policy_.min;
    cluster_.we_write = scalable();
    cluster_.size = cluster_.job_size = policy_.min + cluster_.dice.roll(policy_.max - policy_.min + 1);
    need_ = 1 + cluster_.dice.roll(cluster_.count());
    for (uint32_t r = 0; r < cluster_.size; ++r) {
      cluster_.ranks[r].pods.push_back({.id = ++cluster_.pods, .has_joined = true});
      cluster_.ranks[r].broker = cluster_.pods;
    }
    restart();
    cluster_.note([&] {
      return fmt::format("{} ranks, size {}, need {}, road {}", cluster_.count(), cluster_.size, need_,
                         static_cast<int>(road_));
    });
  }

  History play() {
    const auto length = 40 + cluster_.dice.roll(80);
    for (uint32_t i = 0; i < length && cluster_.fine(); ++i) {
      cluster_.pass(some_time());
      if (cluster_.fine()) disturb();
    }
    settle();
    return std::move(cluster_.history);
  }

  History storm(std::uint64_t shrinks) {
    cluster_.storm = true;
    constexpr std::uint64_t most_steps = 400;  // for each shrink
    const bool has_sizes = policy_.min < policy_.max;
    for (std::uint64_t i = 0; has_sizes && i < shrinks * most_steps && cluster_.history.shrinks < shrinks;
         ++i) {
      cluster_.pass(cluster_.dice.one_in(4) ? cluster_.dice.between(1000, 15'000)
                                            : cluster_.dice.between(0, 2000));
      cluster_.end_some_jobs();
      gust();
    }
    return std::move(cluster_.history);
  }

 private:
  ResizePolicy make_policy() {
    road_ = static_cast<Road>(cluster_.dice.roll(3));
    ResizePolicy policy;
    policy.min = 1 + cluster_.dice.roll(2);
    policy.hold = Seconds(cluster_.dice.one_in(2) ? 0 : 40);
    policy.writes = road_ == Road::controller;
    return policy;
  }
  ResizePolicy machine_policy() const {
    auto policy = policy_;
    if (mutant_ == Mutant::shrinks_at_once) policy.shrink_every = Seconds(0);
    if (mutant_ == Mutant::shrinks_without_memory) policy.hold = policy.shrink_every = Seconds(0);
    return policy;
  }

  [[nodiscard]] uint32_t wanted() const { return std::clamp(need_, policy_.min, policy_.max); }
  [[nodiscard]] bool scalable() const { return road_ == Road::controller; }

  Millis some_time() {
    switch (cluster_.dice.roll(8)) {
      case 0:
        return cluster_.dice.between(0, 60'000);
      case 1:
      case 2:
        return cluster_.dice.between(1000, 16'000);
      case 3:
      case 4:
        return cluster_.dice.between(100, 2000);
      default:
        return cluster_.dice.between(0, 50);
    }
  }

  void disturb() {
    switch (cluster_.dice.roll(20)) {
      case 0:
      case 1:
      case 2:
        return cluster_.start_job();
      case 3:
      case 4:
        return cluster_.end_job(cluster_.ranks[cluster_.dice.roll(cluster_.count())].job);
      case 5:
      case 6:
        need_ = 1 + cluster_.dice.roll(cluster_.count());
        return cluster_.note([&] { return fmt::format("need {}", need_); });
      case 7:
        return cluster_.foreign_drain();
      case 8:
        return foreign_undrain();
      case 9:
        if (cluster_.dice.one_in(2)) restart();
        return;
      case 10:
        cluster_.dice.one_in(2) ? cluster_.evict() : cluster_.shrink_regardless();
        return;
      case 11:
      case 12:
      case 13:
        return synchronise();
      case 14:
      case 15:
        act();
        return;
      default:
        while (cluster_.fine() && !act()) {
        }
    }
  }

  void gust() {
    switch (cluster_.dice.roll(40)) {
      case 0:
        return kill_agent();
      case 1:
        return restart_broker();
      default:
        break;
    }
    if (cluster_.dice.one_in(4)) need_ = 1 + cluster_.dice.roll(cluster_.count());
    if (cluster_.dice.one_in(2)) synchronise();
    if (cluster_.dice.one_in(3)) cluster_.burst();
    while (!act()) {
      if (cluster_.dice.one_in(4)) cluster_.burst();
      cluster_.pass(cluster_.dice.between(0, 300));
    }
  }

  void kill_agent() {
    for (auto steps = cluster_.dice.roll(8); steps > 0; --steps) {
      cluster_.burst();
      if (act()) break;
    }
    restart();
    ++cluster_.history.agent_kills;
  }

  // The agent notices at once, and looks again as soon as rank 0 answers.
  void restart_broker() {
    if (handed_out() == 0) return;  // the agent has just been killed itself, and knows no more than Flux
    const auto rank = cluster_.dice.roll(cluster_.job_size);
    cluster_.restart_broker(rank);
    if (rank != 0) return;
    plan_.reset();
    phase_ = 0;
    machine_ = Resize(machine_policy());
    cluster_.pass(1000);
    while (!act()) {
    }
  }

  // Nobody undrains a rank that is about to go, or whose broker is: against that there is no help
  // (resize.hpp).
  void foreign_undrain() {
    if (phase_ > 2) return;  // the agent has just looked
    auto below = std::min(cluster_.size, cluster_.job_size);
    if (cluster_.write) below = std::min(below, cluster_.write->size);
    if (published_ != 0) below = std::min(below, published_);
    for (const auto value : reads_)
      below = std::min(below, value);
    const auto r = cluster_.dice.roll(cluster_.count());
    const bool goes =
        std::ranges::any_of(cluster_.ranks[r].pods, [](const Pod& pod) { return pod.dies != 0; });
    if (r >= below || goes || cluster_.ranks[r].drain == Drain::none) return;
    cluster_.ranks[r].drain = Drain::none;
    cluster_.note([&] { return fmt::format("somebody undrains rank {}", r); });
  }

  // The autoscaler's sync.
  void synchronise() {
    if (road_ == Road::controller || published_ == 0 || cluster_.write) return;
    const auto before = reads_.empty() ? published_ : reads_.back();
    reads_.push_back(published_);
    if (reads_.size() > 2) reads_.erase(reads_.begin());
    ++reads_since_start_;
    const auto value = std::clamp(road_ == Road::late_hpa ? before : published_, policy_.min, policy_.max);
    cluster_.note([&] { return fmt::format("HPA reads {}, will write {}", published_, value); });
    cluster_.write = Write{.size = value,
                           .due = cluster_.now + (cluster_.dice.one_in(4) ? cluster_.dice.between(100, 14'000)
                                                                          : cluster_.dice.between(1, 100))};
  }

  void restart() {
    cluster_.note([] { return "the agent starts"; });
    machine_ = Resize(machine_policy());
    started_ = cluster_.now;
    fell_ = cluster_.now;
    published_ = 0;
    reads_since_start_ = 0;
    plan_.reset();
    phase_ = 0;
    if (mutant_ == Mutant::shrinks_without_memory) seen_ = {};
  }

  [[nodiscard]] uint32_t handed_out() const {
    if (mutant_ == Mutant::forgets_what_was_read) return nobody;
    if (road_ == Road::controller) {
      if (cluster_.now - started_ < 16'000) return 0;  // a patch of the one before may be on its way
      return cluster_.write ? cluster_.write->size : nobody;
    }
    // A reader that acts late also acts on what the server before this one told it.
    const bool late = road_ == Road::late_hpa;
    if (reads_since_start_ < (late ? 2 : 1)) return 0;
    return late ? std::min(reads_.front(), reads_.back()) : reads_.back();
  }

  // One thing of the agent's round. True when the round is over.
  bool act() {
    switch (phase_++) {
      case 0:
        seen_ = {};
        seen_.published = published_;
        seen_.handed_out = handed_out();
        return false;
      case 1:
        look_at_cluster();
        return false;
      case 2:
        look_at_drains();
        return false;
      case 3:
        look_at_jobs();
        decide();
        return false;
      case 4:
        drain();
        return false;
      case 5:
        mutant_ == Mutant::undrains_before_publishing ? undrain() : publish();
        return false;
      case 6:
        scale();
        return false;
      default:
        mutant_ == Mutant::undrains_before_publishing ? publish() : undrain();
        phase_ = 0;
        plan_.reset();
        return true;
    }
  }

  void look_at_cluster() {
    ClusterSight sight{.seen = at(cluster_.now),
                       .size = cluster_.size,
                       .parallelism = cluster_.job_size,
                       .terminating = {},
                       .joined = {}};
    for (uint32_t r = 0; r < cluster_.count(); ++r) {
      for (const auto& pod : cluster_.ranks[r].pods) {
        if (pod.dies != 0) sight.terminating.insert(r);
        if (pod.dies == 0 && pod.id == cluster_.ranks[r].broker) sight.joined.insert(r);
      }
      if (mutant_ == Mutant::takes_any_broker && cluster_.ranks[r].broker != 0) sight.joined.insert(r);
    }
    old_pods_ = sight.terminating;
    if (mutant_ == Mutant::grows_over_old_pods) sight.terminating = {};
    seen_.cluster = std::move(sight);
  }
  void look_at_drains() {
    seen_.flux_seen = at(cluster_.now);
    seen_.ranks = cluster_.count();
    for (uint32_t r = 0; r < cluster_.count(); ++r) {
      const auto drain = cluster_.ranks[r].drain;
      const bool mine =
          drain == Drain::ours || (mutant_ == Mutant::takes_all_drains_for_ours && drain != Drain::none);
      if (mine) seen_.ours.insert(r);
      if (drain == Drain::other && !mine) seen_.others.insert(r);
    }
  }
  void look_at_jobs() {
    for (uint32_t r = 0; r < cluster_.count(); ++r)
      if (cluster_.ranks[r].job != 0 && cluster_.ranks[r].broker != 0) seen_.busy.insert(r);
  }

  void decide() {
    seen_.now = at(cluster_.now);
    seen_.need = need_;
    auto told = seen_;
    flux::IdSet unborn;
    for (uint32_t r = 0; r < cluster_.count(); ++r)
      if (cluster_.ranks[r].broker == 0) unborn.insert(r);
    switch (mutant_) {
      case Mutant::takes_drains_for_done:
        told.ours |= flux::IdSet::range(wanted(), cluster_.count() - 1) - told.others;
        break;
      case Mutant::keeps_what_was_busy:
        told.busy = std::exchange(busy_before_, seen_.busy);
        break;
      case Mutant::sees_no_jobs:
        told.busy = {};
        break;
      case Mutant::leaves_unborn_ranks:
        told.others |= unborn - told.ours;
        break;
      case Mutant::trusts_old_news:
        told.flux_seen = told.cluster->seen = told.now;
        break;
      case Mutant::trusts_one_size:
        told.cluster->parallelism.reset();
        break;
      default:
        break;
    }
    plan_ = mutant_ == Mutant::hopes ? hope(told) : machine_.step(told);
    if (mutant_ == Mutant::undrains_before_publishing) {
      const auto below =
          std::min({wanted(), told.handed_out, told.cluster->size, *told.cluster->parallelism});
      plan_->undrain = told.ours & told.cluster->joined & span_below(below);
    }
    if (mutant_ == Mutant::never_undrains) plan_->undrain = {};
    if (mutant_ == Mutant::never_drains) plan_->drain = {};
    if (mutant_ == Mutant::drains_rank_zero && !plan_->drain.empty()) plan_->drain.insert(0);
    if (mutant_ == Mutant::forgets_the_size)
      plan_->undrain = told.ours & told.cluster->joined & span_below(wanted());
    check_decision();
  }

  [[nodiscard]] ResizeActions hope(const ResizeObservation& seen) const {
    ResizeActions actions;
    actions.publish = std::clamp(std::max(need_, end_of(seen.busy)), policy_.min, policy_.max);
    if (scalable() && actions.publish != seen.cluster->size) actions.scale = actions.publish;
    return actions;
  }

  void check_decision() {
    if (plan_->drain.contains(0)) return cluster_.fail(Fault::rank_zero_drained, 0);
    flux::IdSet others;
    for (uint32_t r = 0; r < cluster_.count(); ++r)
      if (cluster_.ranks[r].drain == Drain::other) others.insert(r);
    if (!(seen_.others & (plan_->drain | plan_->undrain)).empty())
      return cluster_.fail(Fault::foreign_drain_touched, 0);
    const auto& cluster = *seen_.cluster;
    const auto job_seen = *cluster.parallelism;
    const auto grown = scalable()                                             ? plan_->scale.value_or(0)
                       : plan_->publish > std::max(seen_.published, job_seen) ? plan_->publish
                                                                              : 0;
    const auto over = old_pods_ & (span_below(grown) - span_below(cluster.size));
    if (!(over - (seen_.ours - seen_.busy)).empty())
      return cluster_.fail(Fault::grown_over_old_pod, *over.first());
    const bool shrinks = scalable() ? plan_->scale && *plan_->scale < cluster.size
                                    : seen_.published != 0 && plan_->publish < seen_.published;
    if (!shrinks) return;
    const bool old = at(cluster_.now) - std::min(seen_.flux_seen, cluster.seen) > policy_.stale_after;
    if (old || cluster.size != *cluster.parallelism) return cluster_.fail(Fault::shrunk_unknowing, 0);
    if (cluster_.now < started_ + static_cast<Millis>(policy_.hold.count() * 1000))
      return cluster_.fail(Fault::shrunk_unknowing, 0);
    if (!scalable() && cluster_.now < fell_ + 15'000) return cluster_.fail(Fault::shrunk_too_soon, 0);
  }

  void drain() {
    for (const auto r : plan_->drain)
      if (cluster_.ranks[r].drain == Drain::none) cluster_.ranks[r].drain = Drain::ours;
    if (!plan_->drain.empty())
      cluster_.note([&] { return fmt::format("agent drains {}", plan_->drain.to_string()); });
  }

  void publish() {
    const auto value = plan_->publish;
    if (value == published_) return;
    cluster_.note([&] { return fmt::format("agent publishes {}, need {}", value, need_); });
    if (!scalable() && published_ != 0 && value < published_) {
      fell_ = cluster_.now;
      for (uint32_t r = value; r < cluster_.count(); ++r) {
        if (cluster_.ranks[r].drain == Drain::none) cluster_.fail(Fault::smaller_before_drained, r);
        if (cluster_.ranks[r].job != 0 && cluster_.ranks[r].broker != 0 && r < cluster_.size)
          cluster_.fail(Fault::busy_rank_left, r);
      }
    }
    published_ = value;
  }

  void scale() {
    if (!plan_->scale || cluster_.write) return;
    cluster_.note(
        [&] { return fmt::format("agent patches to {}, seen {}", *plan_->scale, seen_.cluster->size); });
    if (*plan_->scale < seen_.cluster->size) {
      for (uint32_t r = *plan_->scale; r < cluster_.count(); ++r)
        if (cluster_.ranks[r].drain == Drain::none) cluster_.fail(Fault::smaller_before_drained, r);
    }
    // The version that was read with the size.
    const auto version = seen_.cluster->size == cluster_.size ? cluster_.version : cluster_.version + 1;
    cluster_.write = Write{.size = *plan_->scale,
                           .due = cluster_.now + (cluster_.dice.one_in(4) ? cluster_.dice.between(100, 8000)
                                                                          : cluster_.dice.between(1, 50)),
                           .version = version};
  }

  void undrain() {
    for (const auto r : plan_->undrain) {
      auto& rank = cluster_.ranks[r];
      if (rank.drain != Drain::ours) {
        if (mutant_ == Mutant::takes_all_drains_for_ours && rank.drain == Drain::other)
          cluster_.fail(Fault::foreign_drain_touched, r);
        continue;
      }
      cluster_.note([&] { return fmt::format("agent undrains {}", r); });
      rank.drain = Drain::none;
      if (at(cluster_.regardless_at) >= seen_.cluster->seen) continue;  // nobody could see that
      if (!scalable() && r >= published_) return cluster_.fail(Fault::undrained_before_published, r);
      const bool stays = std::ranges::any_of(
          rank.pods, [&](const Pod& pod) { return pod.id == rank.broker && (pod.dies == 0 || pod.excused); });
      if (r >= cluster_.size || r >= cluster_.job_size || (cluster_.write && r >= cluster_.write->size) ||
          !stays)
        return cluster_.fail(Fault::undrained_on_its_way_out, r);
    }
  }

  // No more disturbances: the size must get to what is needed, and what is drained with it.
  void settle() {
    for (auto& rank : cluster_.ranks)
      rank.job = 0;
    cluster_.note([] { return "all jobs have ended, and nobody disturbs any more"; });
    for (int i = 0; i < 100 && cluster_.fine(); ++i) {
      if (settled()) return;
      synchronise();
      cluster_.pass(250);
      while (cluster_.fine() && !act()) {
      }
      cluster_.pass(4750);
    }
    if (cluster_.fine()) cluster_.fail(Fault::need_not_reached, wanted());
  }
  [[nodiscard]] bool settled() const {
    if (cluster_.size != wanted() || cluster_.job_size != cluster_.size || cluster_.write) return false;
    for (uint32_t r = 0; r < cluster_.count(); ++r) {
      const auto drain = cluster_.ranks[r].drain;
      if (r < cluster_.size ? drain == Drain::ours : drain == Drain::none) return false;
    }
    return true;
  }

  Cluster cluster_;
  Mutant mutant_;
  Road road_ = Road::hpa;
  ResizePolicy policy_;
  Resize machine_;
  std::vector<uint32_t> reads_;  // the last two values that the autoscaler got
  uint32_t need_ = 1;
  // The agent's.
  uint32_t published_ = 0;
  int reads_since_start_ = 0;
  Millis started_ = 0;
  Millis fell_ = 0;
  int phase_ = 0;
  ResizeObservation seen_;
  flux::IdSet old_pods_;     // as it saw them
  flux::IdSet busy_before_;  // in the round before
  std::optional<ResizeActions> plan_;
};

}  // namespace

History play_history(std::uint64_t seed, Mutant mutant, bool record) {
  return World(seed, mutant, record).play();
}

History play_storm(std::uint64_t seed, std::uint64_t shrinks, Mutant mutant, bool record) {
  return World(seed, mutant, record).storm(shrinks);
}

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::none:
      return "none";
    case Fault::busy_rank_left:
      return "a busy rank left";
    case Fault::rank_zero_drained:
      return "rank 0 was drained";
    case Fault::foreign_drain_touched:
      return "somebody else's drain was touched";
    case Fault::undrained_before_published:
      return "a rank was undrained before the larger size was published";
    case Fault::undrained_on_its_way_out:
      return "a rank was undrained that was about to leave";
    case Fault::smaller_before_drained:
      return "the size fell before its ranks were drained";
    case Fault::grown_over_old_pod:
      return "an old pod was grown over whose rank was not drained and empty";
    case Fault::shrunk_unknowing:
      return "something was given back although too little was known";
    case Fault::shrunk_too_soon:
      return "two shrinks within 15 s";
    case Fault::need_not_reached:
      return "the size does not get to what is needed";
  }
  return "?";
}

}  // namespace fluxmetrics::sizing
