#include "sizing/packing.hpp"

#include <algorithm>
#include <queue>

#include "sizing/arithmetic.hpp"

namespace fluxmetrics::sizing {
namespace {

// Takes `pieces` pieces of `need` from each bin of `run`.
void take(Run& run, const Need& need, std::uint64_t pieces) {
  if (pieces == 0) return;
  run.touched = true;
  if (need.exclusive) {
    run.free = {};
    return;
  }
  run.free.cores -= product(pieces, need.piece.cores);
  run.free.gpus -= product(pieces, need.piece.gpus);
}

// Cuts the first `count` bins off `run`.
Run cut(Run& run, std::uint64_t count) {
  Run head = run;
  head.count = count;
  run.first += count;
  run.count -= count;
  return head;
}

// Jobs whose pieces lie on different bins. The next job always uses the lowest bins that still have room: a
// window. All bins of the window lose one piece a job, so jobs are placed in bulk until the fullest bin of
// the window is exhausted; bins leave the window then and higher ones enter.
class NodePlacement {
 public:
  NodePlacement(const Need& need, std::uint64_t jobs) : need_(need), left_(jobs) {}

  void add(Run run) {
    const std::uint64_t room = run.open && left_ > 0 ? need_.fits(run.total, run.free) : 0;
    while (room > 0 && left_ > 0 && run.count > 0) {
      const std::uint64_t missing = need_.pieces - width_;
      enter(cut(run, std::min(missing, run.count)), room);
      if (width_ == need_.pieces) place_in_bulk();
    }
    if (run.count > 0) done_.push_back(run);
  }

  // The runs afterwards, in order.
  Runs finish() {
    while (!window_.empty())
      leave();
    std::ranges::sort(done_, {}, &Run::first);
    return std::move(done_);
  }
  [[nodiscard]] std::uint64_t placed() const { return placed_; }

 private:
  struct Member {
    std::uint64_t exhausted_at;  // value of placed_ at which its bins are full
    std::uint64_t entered_at;    // value of placed_ when it came
    std::size_t run;             // index into members_
    bool operator>(const Member& other) const { return exhausted_at > other.exhausted_at; }
  };

  void enter(const Run& run, std::uint64_t room) {
    window_.push({.exhausted_at = sum(placed_, room), .entered_at = placed_, .run = members_.size()});
    members_.push_back(run);
    width_ += run.count;
  }
  void leave() {
    const Member member = window_.top();
    window_.pop();
    Run& run = members_[member.run];
    width_ -= run.count;
    take(run, need_, placed_ - member.entered_at);
    done_.push_back(run);
  }
  void place_in_bulk() {
    const std::uint64_t now = std::min(left_, window_.top().exhausted_at - placed_);
    placed_ += now;
    left_ -= now;
    while (!window_.empty() && window_.top().exhausted_at <= placed_)
      leave();
  }

  const Need& need_;
  std::uint64_t left_;
  std::uint64_t placed_ = 0;
  std::uint64_t width_ = 0;  // bins in the window
  std::priority_queue<Member, std::vector<Member>, std::greater<>> window_;
  Runs members_;
  Runs done_;
};

std::uint64_t place_nodes(Runs& runs, const Need& need, std::uint64_t jobs) {
  NodePlacement placement(need, jobs);
  for (const Run& run : runs)
    placement.add(run);
  runs = placement.finish();
  return placement.placed();
}

// Jobs whose slots may share bins: one after the other they fill the lowest bins, so they are one long row of
// slots.
std::uint64_t place_shared_slots(Runs& runs, const Need& need, std::uint64_t jobs) {
  std::uint64_t room = 0;
  for (const Run& run : runs)
    if (run.open) room = sum(room, product(run.count, need.fits(run.total, run.free)));
  const std::uint64_t placed = std::min(jobs, room / need.pieces);
  std::uint64_t slots = placed * need.pieces;
  Runs after;
  after.reserve(runs.size() + 2);
  for (Run run : runs) {
    const std::uint64_t each = run.open && slots > 0 ? need.fits(run.total, run.free) : 0;
    if (each > 0) {
      Run full = cut(run, std::min(run.count, slots / each));
      take(full, need, each);
      slots -= full.count * each;
      if (full.count > 0) after.push_back(full);
      if (slots > 0 && run.count > 0) {
        Run part = cut(run, 1);
        take(part, need, slots);
        slots = 0;
        after.push_back(part);
      }
    }
    if (run.count > 0) after.push_back(run);
  }
  runs = std::move(after);
  return placed;
}

// Jobs whose slots lie on bins that no other job shares: each takes the lowest ones that nobody has begun,
// until its slots are on them. Most lie within one run, and are placed in bulk; one job may lie across runs.
class WholeSlotPlacement {
 public:
  WholeSlotPlacement(const Need& need, std::uint64_t jobs)
      : need_(need), left_(jobs), missing_(need.pieces) {}

  void add(Run run) {
    const std::uint64_t each = run.open && left_ > 0 ? need_.fits(run.total, run.free) : 0;
    while (each > 0 && left_ > 0 && run.count > 0) {
      const std::uint64_t bins = ceil_div(missing_, each);
      const bool begun = !across_.empty();
      const std::uint64_t whole = begun ? 0 : std::min(left_, run.count / bins);
      if (whole > 0) {
        take_all(cut(run, whole * bins));
        placed_ += whole;
        left_ -= whole;
        continue;
      }
      across_.push_back(cut(run, std::min(run.count, bins)));
      missing_ -= std::min(missing_, product(across_.back().count, each));
      if (missing_ == 0) end_job();
    }
    if (run.count > 0) done_.push_back(run);
  }

  // The runs afterwards, in order. A job that found too few bins leaves those that it had.
  Runs finish() {
    done_.insert(done_.end(), across_.begin(), across_.end());
    std::ranges::sort(done_, {}, &Run::first);
    return std::move(done_);
  }
  [[nodiscard]] std::uint64_t placed() const { return placed_; }

 private:
  void take_all(Run run) {
    take(run, need_, 1);
    done_.push_back(run);
  }
  void end_job() {
    for (const Run& run : across_)
      take_all(run);
    across_.clear();
    missing_ = need_.pieces;
    ++placed_;
    --left_;
  }

  const Need& need_;
  std::uint64_t left_;
  std::uint64_t missing_;  // slots of the job that lies across runs
  std::uint64_t placed_ = 0;
  Runs across_;
  Runs done_;
};

std::uint64_t place_whole_slots(Runs& runs, const Need& need, std::uint64_t jobs) {
  WholeSlotPlacement placement(need, jobs);
  for (const Run& run : runs)
    placement.add(run);
  runs = placement.finish();
  return placement.placed();
}

}  // namespace

Runs to_runs(std::span<const RankRun> ranks) {
  Runs runs;
  runs.reserve(ranks.size());
  for (const RankRun& rank : ranks) {
    Run run;
    run.first = rank.first;
    run.count = rank.count();
    run.total = rank.total;
    run.start = rank.free;
    run.free = rank.free;
    runs.push_back(run);
  }
  merge(runs);
  return runs;
}

Runs emptied(Runs runs) {
  for (Run& run : runs)
    run.start = run.free = run.total;
  merge(runs);
  return runs;
}

void open_only(Runs& runs, const flux::IdSet& admitted) {
  Runs after;
  after.reserve(runs.size() + admitted.ranges().size());
  auto range = admitted.ranges().begin();
  const auto last = admitted.ranges().end();
  for (Run run : runs) {
    while (run.count > 0) {
      while (range != last && range->last < run.first)
        ++range;
      const bool inside = range != last && range->first <= run.first;
      std::uint64_t border = run.end();
      if (range != last) border = inside ? std::uint64_t{range->last} + 1 : range->first;
      Run piece = cut(run, std::min(border, run.end()) - run.first);
      piece.open = inside;
      after.push_back(piece);
    }
  }
  runs = std::move(after);
}

void merge(Runs& runs) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (kept > 0) {
      Run& before = runs[kept - 1];
      Run same = runs[i];
      same.first = before.first;
      same.count = before.count;
      same.open = before.open;
      if (before.end() == runs[i].first && same == before) {
        before.count += runs[i].count;
        continue;
      }
    }
    runs[kept++] = runs[i];
  }
  runs.resize(kept);
}

std::uint64_t place(Runs& runs, const Need& need, std::uint64_t jobs) {
  if (need.pieces == 0) return jobs;
  if (need.by_node) return place_nodes(runs, need, jobs);
  return need.exclusive ? place_whole_slots(runs, need, jobs) : place_shared_slots(runs, need, jobs);
}

std::optional<Fit> lowest_fit(const Runs& runs, const Need& need, bool empty) {
  Fit fit;
  std::uint64_t missing = need.pieces;
  for (const Run& run : runs) {
    if (missing == 0) break;
    if (!run.open) continue;
    std::uint64_t each = need.fits(run.total, empty ? run.total : run.start);
    if (need.by_node) each = std::min<std::uint64_t>(each, 1);
    if (each == 0) continue;
    const std::uint64_t bins = std::min(run.count, ceil_div(missing, each));
    missing -= std::min(missing, product(bins, each));
    fit.end = run.first + bins;
    fit.bins.push_back({static_cast<flux::IdSet::Id>(run.first), static_cast<flux::IdSet::Id>(fit.end - 1)});
  }
  if (missing > 0) return std::nullopt;
  return fit;
}

}  // namespace fluxmetrics::sizing
