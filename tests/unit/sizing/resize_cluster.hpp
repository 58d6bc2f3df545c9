// The MiniCluster that resize_world.hpp's agent works on: Flux, the operator, pods that take 30 s to die, and
// whoever else writes and drains. It tells when what happens to it must never happen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <vector>

#include "sizing/resize_world.hpp"

namespace fluxmetrics::sizing {

using Millis = std::int64_t;

// splitmix64: the same numbers everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U) {}
  // 0 .. sides - 1
  std::uint32_t roll(std::uint32_t sides) {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return static_cast<std::uint32_t>((((z ^ (z >> 31U)) >> 32U) * sides) >> 32U);
  }
  bool one_in(std::uint32_t sides) { return roll(sides) == 0; }
  Millis between(Millis least, Millis most) {
    return least + roll(static_cast<std::uint32_t>(most - least + 1));
  }

 private:
  std::uint64_t state_;
};

enum class Drain : std::uint8_t { none, ours, other };

struct Pod {
  std::uint32_t id = 0;
  Millis joins = 0;
  Millis dies = 0;  // 0 = stays
  bool has_joined = false;
  bool excused = false;  // its jobs die, and no resize of ours is to blame
};

struct Rank {
  Drain drain = Drain::none;
  std::uint32_t broker = 0;  // the pod of the broker that is online
  std::uint32_t job = 0;
  std::vector<Pod> pods;
};

// A write of the scale on its way.
struct Write {
  std::uint32_t size = 0;
  Millis due = 0;
  std::uint64_t version = 0;  // that it was made for; 0 = any
};

class Cluster {
 public:
  Cluster(std::uint64_t seed, bool recorded) : dice(seed), record(recorded) {}

  // Everything that is due in the next `span`, in order.
  void pass(Millis span);
  void start_job();  // on ranks that take jobs
  void end_job(std::uint32_t job);
  void burst();  // jobs on all ranks that take jobs
  void end_some_jobs();
  void foreign_drain();
  void restart_broker(std::uint32_t rank);
  // The Job replaces a pod that somebody deletes.
  void evict();
  // kubectl scale, with nothing to hold it up: what it kills is not ours, but no more may die of it than
  // must.
  void shrink_regardless();

  [[nodiscard]] bool fine() const { return history.fault == Fault::none; }
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(ranks.size()); }
  template <typename Text>
  void note(const Text& text) {
    if (record) history.lines.push_back(fmt::format("{:9.3f}  {}", static_cast<double>(now) / 1000, text()));
  }
  void fail(Fault fault, std::uint32_t rank);

  Dice dice;
  bool record;
  bool storm = false;  // no fault ends it, and bursts come when the size falls
  History history;
  bool we_write = false;  // the agent writes the size, no autoscaler
  std::uint32_t least = 1;
  Millis now = 1'000'000;
  std::vector<Rank> ranks;
  std::uint32_t size = 1;
  std::uint32_t job_size = 1;
  std::uint64_t version = 1;
  std::optional<Write> write;
  bool regardless = false;  // of the size that the Job does not have yet
  Millis regardless_at = 0;
  std::uint32_t pods = 0;
  std::uint32_t jobs = 0;

 private:
  [[nodiscard]] Millis next_due() const;
  void happen();
  void land();
  void operate();
  [[nodiscard]] static bool lost_anyway(const Rank& rank);
  void start_pod(std::uint32_t r);
  void join(std::uint32_t r, std::size_t index);
  void die(std::uint32_t r, std::size_t index);
  void lose_job(Rank& rank, bool excused, Fault fault);
  Millis operator_due = 0;
};

}  // namespace fluxmetrics::sizing
