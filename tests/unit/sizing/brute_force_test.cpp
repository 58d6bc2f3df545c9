// node_wanted_all_count against a search over all placements, on instances of at most 5 ranks.
#include <algorithm>
#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <vector>

#include "sizing/demand.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

constexpr int max_ranks = 5;

struct Room {
  int cores = 0;
  int gpus = 0;
};
struct Rank {
  Room total;
  Room free;
  bool usable = true;
  bool offline = false;
};
struct Ask {
  int nodes = 0;  // 0: slots anywhere
  int slots = 1;
  int cores = 1;
  int gpus = 0;
  bool exclusive = false;
  unsigned admitted = 0;  // a bit a rank
};
struct Case {
  std::vector<Rank> ranks;
  std::vector<Ask> jobs;
  bool whole_nodes = false;  // the scheduler shares no node between jobs
};

// The search. It shares no code with the program: rooms are plain numbers, placements are tried one by one.
class Search {
 public:
  explicit Search(const Case& model) : model_(model) {
    for (std::size_t i = 0; i < model.ranks.size(); ++i) {
      free_[i] = model.ranks[i].free;
      if (model.ranks[i].free.cores != model.ranks[i].total.cores ||
          model.ranks[i].free.gpus != model.ranks[i].total.gpus) {
        if (!model.ranks[i].offline) busy_end_ = static_cast<int>(i) + 1;
      }
    }
  }

  // The fewest ranks over all placements that are complete: each job is placed, or waits because no room is
  // left for it and then asks for the ranks on which it fits by itself. No packing that deserves the name is
  // below it.
  int smallest_of_all() {
    start();
    may_wait_ = true;
    visit(0, floor());
    return *best_;
  }

  // The same when the order of precedence says who waits: a job only does if no arrangement of those before
  // it leaves room for it. What remains to be searched is where each job lies.
  int smallest_in_order() {
    start();
    may_wait_ = false;
    const auto jobs = in_order();
    std::vector<std::size_t> placed;
    int least = floor();
    for (const std::size_t job : jobs) {
      if (!alone_[job]) continue;
      placed.push_back(job);
      if (search(placed, floor())) continue;
      placed.pop_back();
      least = std::max(least, *alone_[job]);
    }
    return search(placed, least).value();
  }

 private:
  [[nodiscard]] bool admits(const Ask& job, std::size_t rank) const {
    return model_.ranks[rank].usable && ((job.admitted >> rank) & 1U) != 0;
  }
  static bool holds(const Room& room, const Ask& job, int slots) {
    return room.cores >= slots * job.cores && room.gpus >= slots * job.gpus;
  }
  // Whether the job lies on nodes that it shares with no other.
  [[nodiscard]] bool alone_on_nodes(const Ask& job) const { return job.exclusive || model_.whole_nodes; }
  static bool untouched(const Room& room, const Room& total) {
    return room.cores == total.cores && room.gpus == total.gpus;
  }
  [[nodiscard]] bool fits_below(const Ask& job, std::size_t end, bool empty) const {
    int pieces = 0;
    for (std::size_t i = 0; i < end; ++i) {
      const Room& room = empty ? model_.ranks[i].total : model_.ranks[i].free;
      if (!admits(job, i)) continue;
      if (alone_on_nodes(job) && !untouched(room, model_.ranks[i].total)) continue;
      if (job.nodes > 0) {
        if (holds(room, job, job.slots)) ++pieces;
      } else {
        int often = 0;
        while (holds(room, job, often + 1))
          ++often;
        pieces += often;
      }
    }
    return pieces >= (job.nodes > 0 ? job.nodes : job.slots);
  }
  // Where the job fits by itself; absent when it never does.
  [[nodiscard]] std::optional<int> alone(const Ask& job) const {
    for (const bool empty : {false, true})
      for (std::size_t end = 0; end <= model_.ranks.size(); ++end)
        if (fits_below(job, end, empty)) return static_cast<int>(end);
    return std::nullopt;
  }

  [[nodiscard]] int floor() const { return std::max(1, busy_end_); }
  void start() {
    alone_.clear();
    order_.clear();
    for (const Ask& job : model_.jobs) {
      order_.push_back(alone_.size());
      alone_.push_back(alone(job));
    }
    best_ = std::nullopt;
  }
  std::optional<int> search(const std::vector<std::size_t>& jobs, int least) {
    order_ = jobs;
    best_ = std::nullopt;
    visit(0, least);
    return best_;
  }
  // Fewest admitted ranks, then most gpus, cores (a whole node is the most), nodes, slots; then the first
  // come.
  [[nodiscard]] std::vector<std::size_t> in_order() const {
    std::vector<std::array<int, 6>> keys;
    for (const Ask& job : model_.jobs) {
      int admitted = 0;
      for (std::size_t i = 0; i < model_.ranks.size(); ++i)
        admitted += admits(job, i) ? 1 : 0;
      const int share = job.nodes > 0 ? job.slots : 1;
      const int cores = alone_on_nodes(job) ? 1000 : share * job.cores;
      keys.push_back(
          {admitted, -share * job.gpus, -cores, -job.nodes, -job.slots, static_cast<int>(keys.size())});
    }
    std::ranges::sort(keys);
    std::vector<std::size_t> jobs;
    for (const auto& key : keys)
      jobs.push_back(static_cast<std::size_t>(key[5]));
    return jobs;
  }

  void visit(std::size_t index, int value) {
    if (best_ && value >= *best_) return;
    if (index == order_.size()) {
      for (const Ask* job : waiting_)
        if (finds_room(*job)) return;
      best_ = value;
      return;
    }
    const Ask& job = model_.jobs[order_[index]];
    if (!alone_[order_[index]]) {
      visit(index + 1, value);
      return;
    }
    spread(index, 0, job.nodes > 0 ? job.nodes : job.slots, value);
    if (may_wait_) {
      waiting_.push_back(&job);
      visit(index + 1, std::max(value, *alone_[order_[index]]));
      waiting_.pop_back();
    }
  }
  // All ways to lay the `left` pieces of a job on the ranks from `rank` on.
  void spread(std::size_t index, std::size_t rank, int left, int value) {
    const Ask& job = model_.jobs[order_[index]];
    if (left == 0) {
      visit(index + 1, value);
      return;
    }
    if (rank == model_.ranks.size()) return;
    if (admits(job, rank)) {
      const Room before = free_[rank];
      const int most = job.nodes > 0 ? 1 : left;
      for (int pieces = 1; pieces <= most; ++pieces) {
        const int slots = job.nodes > 0 ? job.slots : pieces;
        if (!holds(before, job, slots)) break;
        if (alone_on_nodes(job) && !untouched(before, model_.ranks[rank].total)) break;
        free_[rank] = alone_on_nodes(job)
                          ? Room{}
                          : Room{before.cores - slots * job.cores, before.gpus - slots * job.gpus};
        spread(index, rank + 1, left - pieces, std::max(value, static_cast<int>(rank) + 1));
      }
      free_[rank] = before;
    }
    spread(index, rank + 1, left, value);
  }
  [[nodiscard]] bool finds_room(const Ask& job) const {
    int pieces = 0;
    for (std::size_t i = 0; i < model_.ranks.size(); ++i) {
      if (!admits(job, i)) continue;
      if (alone_on_nodes(job) && !untouched(free_[i], model_.ranks[i].total)) continue;
      if (job.nodes > 0) {
        if (holds(free_[i], job, job.slots)) ++pieces;
      } else {
        int often = 0;
        while (holds(free_[i], job, often + 1))
          ++often;
        pieces += often;
      }
    }
    return pieces >= (job.nodes > 0 ? job.nodes : job.slots);
  }

  const Case& model_;
  std::array<Room, max_ranks> free_{};
  std::vector<std::optional<int>> alone_;  // by job
  std::vector<std::size_t> order_;         // the jobs to visit
  std::vector<const Ask*> waiting_;
  std::optional<int> best_;
  int busy_end_ = 0;
  bool may_wait_ = false;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Case next() {
    Case made;
    const int ranks = upto(1, max_ranks);
    const Room kind{.cores = upto(1, 4), .gpus = upto(0, 2)};
    const bool mixed = chance(25);
    for (int i = 0; i < ranks; ++i)
      made.ranks.push_back(rank(mixed ? Room{upto(1, 4), upto(0, 2)} : kind));
    const int shapes = upto(1, 3);
    for (int i = 0; i < shapes; ++i) {
      const Ask shape = ask(ranks);
      const int count = upto(1, 2);
      for (int k = 0; k < count && made.jobs.size() < 5; ++k)
        made.jobs.push_back(shape);
    }
    return made;
  }

 private:
  int upto(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  bool chance(int percent) { return upto(1, 100) <= percent; }
  Rank rank(Room total) {
    Rank made{.total = total, .free = total};
    made.usable = !chance(10);
    made.offline = chance(30);
    if (!made.offline && chance(30)) {
      made.free.cores -= upto(1, total.cores);
      if (chance(30)) made.free.gpus -= upto(0, total.gpus);
    }
    return made;
  }
  Ask ask(int ranks) {
    Ask made;
    if (chance(60)) made.nodes = upto(1, 3);
    made.slots = made.nodes > 0 ? upto(1, 2) : upto(1, 4);
    made.cores = upto(1, 2);
    made.gpus = chance(25) ? 1 : 0;
    made.exclusive = made.nodes > 0 && chance(40);
    made.admitted = (1U << static_cast<unsigned>(ranks)) - 1;
    if (chance(20)) made.admitted &= static_cast<unsigned>(upto(1, 31));
    return made;
  }
  std::mt19937_64 random_;
};

flux::IdSet first_ids(int from, int to) {
  flux::IdSet set;
  for (int id = from; id < to; ++id)
    set.insert(static_cast<flux::IdSet::Id>(id));
  return set;
}

instance::InstanceState to_state(const Case& model) {
  support::InstanceBuilder builder(static_cast<std::uint32_t>(model.ranks.size()));
  std::vector<flux::ResourceSet::Entry> owned;
  auto& state = builder.state();
  state.offline = {};
  if (model.whole_nodes) {
    state.scheduler.kind = instance::Scheduler::Kind::fluxion;
    state.scheduler.match_policy = instance::Setting::of("lonodex");
  }
  for (std::size_t i = 0; i < model.ranks.size(); ++i) {
    const auto id = static_cast<flux::IdSet::Id>(i);
    const Rank& rank = model.ranks[i];
    owned.push_back(
        {.ranks = {id}, .cores = first_ids(0, rank.total.cores), .gpus = first_ids(0, rank.total.gpus)});
    state.allocated.entries.push_back({.ranks = {id},
                                       .cores = first_ids(rank.free.cores, rank.total.cores),
                                       .gpus = first_ids(rank.free.gpus, rank.total.gpus)});
    (rank.offline ? state.offline : state.online).insert(id);
    if (!rank.usable) state.torpid.insert(id);
  }
  state.resources.entries = std::move(owned);
  for (const Ask& job : model.jobs) {
    flux::Shape shape{.nodes = std::nullopt,
                      .slots = static_cast<std::uint32_t>(job.slots),
                      .cores = static_cast<std::uint32_t>(job.cores),
                      .gpus = static_cast<std::uint32_t>(job.gpus),
                      .exclusive = job.exclusive,
                      .known = true,
                      .constraint = {}};
    if (job.nodes > 0) shape.nodes = static_cast<std::uint32_t>(job.nodes);
    flux::IdSet admitted;
    for (unsigned i = 0; i < model.ranks.size(); ++i)
      if (((job.admitted >> i) & 1U) != 0) admitted.insert(i);
    if (admitted != state.resources.ranks()) {
      const boost::json::value constraint{{"ranks", boost::json::array{admitted.to_string()}}};
      shape.constraint = flux::Constraint::from_json(constraint).value();
    }
    builder.pending(shape);
  }
  return state;
}

void expect_close_to_the_best(bool whole_nodes) {
  int cases = 0;
  int equal = 0;
  int below = 0;
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    Generator generator(seed);
    for (int i = 0; i < 1500; ++i) {
      Case model = generator.next();
      model.whole_nodes = whole_nodes;
      Search search(model);
      const auto least = static_cast<std::uint32_t>(search.smallest_of_all());
      const auto best = static_cast<std::uint32_t>(search.smallest_in_order());
      const auto wanted = compute_demand(to_state(model), {}, from_unix(1.8e9)).wanted_all;
      ++cases;
      if (wanted == best) ++equal;
      if (wanted < best) ++below;
      EXPECT_GE(wanted, least) << "seed " << seed << " case " << i;
      EXPECT_LE(wanted, best + 1) << "seed " << seed << " case " << i;
    }
  }
  // First fit now and then lets a job wait that a cleverer arrangement would have started.
  EXPECT_LE(below * 500, cases) << below << " of " << cases << " are below";
  EXPECT_GE(equal * 100, cases * 95) << equal << " of " << cases << " are equal";
}

TEST(BruteForce, WantedAllIsNeverBelowTheBestPlacementAndSeldomAbove) {
  expect_close_to_the_best(false);
}

TEST(BruteForce, WantedAllIsTheSameWhereNoNodeIsShared) {
  expect_close_to_the_best(true);
}

}  // namespace
}  // namespace fluxmetrics::sizing
