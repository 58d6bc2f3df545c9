#include "sizing/resize_cluster.hpp"

#include <utility>

namespace fluxmetrics::sizing {
namespace {

constexpr Millis grace = 30'000;

}  // namespace

void Cluster::fail(Fault fault, std::uint32_t rank) {
  if (storm || !fine()) return;
  history.fault = fault;
  note([&] { return fmt::format("FAULT {}: rank {}", name_of(fault), rank); });
}

void Cluster::pass(Millis span) {
  const auto end = now + span;
  while (fine()) {
    const auto next = next_due();
    if (next > end) break;
    now = std::max(now, next);
    happen();
  }
  now = end;
}

Millis Cluster::next_due() const {
  Millis next = INT64_MAX;
  if (write) next = std::min(next, write->due);
  if (size != job_size) next = std::min(next, operator_due);
  for (const auto& rank : ranks)
    for (const auto& pod : rank.pods) {
      if (pod.dies != 0) next = std::min(next, pod.dies);
      if (!pod.has_joined) next = std::min(next, pod.joins);
    }
  return next;
}

void Cluster::happen() {
  if (write && write->due <= now) land();
  if (size != job_size && operator_due <= now) operate();
  for (std::uint32_t r = 0; r < count(); ++r) {
    auto& rank = ranks[r];
    for (std::size_t i = 0; i < rank.pods.size();) {
      if (!rank.pods[i].has_joined && rank.pods[i].joins <= now) join(r, i);
      if (rank.pods[i].dies != 0 && rank.pods[i].dies <= now) {
        die(r, i);
      } else {
        ++i;
      }
    }
  }
}

void Cluster::land() {
  const auto landed = *write;
  write.reset();
  if (landed.version != 0 && landed.version != version) {
    note([&] { return fmt::format("patch to {} conflicts", landed.size); });
    return;
  }
  if (landed.size == size) return;
  note([&] { return fmt::format("size {} -> {}", size, landed.size); });
  if (landed.size < size) ++history.shrinks;
  size = landed.size;
  ++version;
  regardless = regardless && size < job_size;
  operator_due = now + (dice.one_in(8) ? dice.between(500, 8000) : dice.between(10, 500));
  if (storm && dice.one_in(2)) burst();
}

void Cluster::operate() {
  note([&] { return fmt::format("Job {} -> {}", job_size, size); });
  for (std::uint32_t r = size; r < count(); ++r) {
    auto& rank = ranks[r];
    if (r < job_size && !regardless && !storm) {
      if (rank.job != 0 && !lost_anyway(rank)) return fail(Fault::busy_rank_left, r);
      if (rank.drain == Drain::none) return fail(Fault::smaller_before_drained, r);
    }
    for (auto& pod : rank.pods) {
      if (pod.dies == 0) {
        pod.dies = now + grace;
        pod.excused = regardless;
      }
    }
  }
  regardless = false;
  for (std::uint32_t r = job_size; r < size; ++r) {
    auto& rank = ranks[r];
    // An autoscaler acts on what it read; what is seen since then, it is not told before it reads again.
    if (!storm && we_write && !rank.pods.empty() && (rank.job != 0 || rank.drain == Drain::none))
      return fail(Fault::grown_over_old_pod, r);
    if (!rank.pods.empty()) ++history.grown_over;
    start_pod(r);
  }
  job_size = size;
  if (storm && dice.one_in(2)) burst();
}

bool Cluster::lost_anyway(const Rank& rank) {
  return std::ranges::any_of(rank.pods, [&](const Pod& pod) { return pod.id == rank.broker && pod.excused; });
}

void Cluster::start_pod(std::uint32_t r) {
  ranks[r].pods.push_back(
      {.id = ++pods, .joins = now + (dice.one_in(8) ? dice.between(5000, 50'000) : dice.between(200, 5000))});
}

void Cluster::join(std::uint32_t r, std::size_t index) {
  auto& rank = ranks[r];
  auto& pod = rank.pods[index];
  pod.has_joined = true;
  const auto old = std::ranges::find(rank.pods, rank.broker, &Pod::id);
  if (rank.broker != 0 && pod.dies != 0) return;  // a younger one is there
  if (rank.broker != 0 && rank.job != 0) {
    lose_job(rank, old != rank.pods.end() && old->excused, Fault::grown_over_old_pod);
    if (!fine()) return;
  }
  rank.broker = pod.id;
  note([&] {
    return fmt::format("broker of rank {} online{}", r, pod.dies != 0 ? " in a pod that goes" : "");
  });
}

void Cluster::die(std::uint32_t r, std::size_t index) {
  auto& rank = ranks[r];
  const auto pod = rank.pods[index];
  rank.pods.erase(rank.pods.begin() + static_cast<std::ptrdiff_t>(index));
  if (rank.broker != pod.id) return;
  rank.broker = 0;
  note([&] { return fmt::format("broker of rank {} dies", r); });
  if (rank.job != 0) lose_job(rank, pod.excused, Fault::busy_rank_left);
}

void Cluster::lose_job(Rank& rank, bool excused, Fault fault) {
  if (!excused) {
    ++history.killed;
    note([&] { return fmt::format("KILLED job {}", rank.job); });
    fail(fault, static_cast<std::uint32_t>(&rank - ranks.data()));
  }
  end_job(rank.job);
}

void Cluster::start_job() {
  std::vector<std::uint32_t> open;
  for (std::uint32_t r = 0; r < count(); ++r)
    if (ranks[r].broker != 0 && ranks[r].drain == Drain::none && ranks[r].job == 0) open.push_back(r);
  if (open.empty()) return;
  ++history.jobs;
  ++jobs;
  for (auto width = 1 + dice.roll(2); width > 0 && !open.empty(); --width) {
    const auto pick = open.begin() + dice.roll(static_cast<std::uint32_t>(open.size()));
    ranks[*pick].job = jobs;
    note([&] { return fmt::format("job {} on rank {}", jobs, *pick); });
    open.erase(pick);
  }
}

void Cluster::end_job(std::uint32_t job) {
  if (job == 0) return;
  note([&] { return fmt::format("job {} ends", job); });
  for (auto& rank : ranks)
    if (rank.job == job) rank.job = 0;
}

void Cluster::burst() {
  std::uint32_t before = 0;
  do {
    before = jobs;
    start_job();
  } while (jobs != before);
}

void Cluster::end_some_jobs() {
  for (auto& rank : ranks)
    if (rank.job != 0 && dice.one_in(3)) end_job(rank.job);
}

// The pods stay, but a broker whose rank was taken over has ended for good.
void Cluster::restart_broker(std::uint32_t which) {
  ++history.broker_restarts;
  note([&] { return fmt::format("the broker of rank {} restarts", which); });
  for (std::uint32_t r = which; r < (which == 0 ? count() : which + 1); ++r) {
    auto& rank = ranks[r];
    end_job(rank.job);
    const auto broker = std::exchange(rank.broker, 0);
    if (which == 0) rank.drain = Drain::none;
    for (auto& pod : rank.pods) {
      if (pod.dies != 0 && pod.has_joined && pod.id != broker) continue;
      pod.has_joined = false;
      pod.joins = now + (r == 0 ? 1000 : dice.between(2000, 6000));
    }
  }
}

void Cluster::foreign_drain() {
  const auto r = dice.roll(count());
  ranks[r].drain = Drain::other;
  note([&] { return fmt::format("somebody drains rank {}", r); });
}

void Cluster::evict() {
  const auto r = dice.roll(job_size);
  auto& of_rank = ranks[r].pods;
  if (r >= size || of_rank.empty() || of_rank.back().dies != 0) return;
  note([&] { return fmt::format("the pod of rank {} is evicted", r); });
  of_rank.back().dies = now + grace;
  of_rank.back().excused = true;
  start_pod(r);
}

void Cluster::shrink_regardless() {
  if (size <= least || !dice.one_in(2)) return;
  size = least + dice.roll(size - least);
  ++version;
  operator_due = now + 100;
  regardless = true;
  regardless_at = now;
  note([&] { return fmt::format("somebody writes size {}", size); });
}

}  // namespace fluxmetrics::sizing
