// A little MiniCluster to play the resize protocol in: Flux, the operator, pods that take 30 s to die with
// their broker at work, an autoscaler, jobs that start wherever they may and whenever, and an agent that
// looks, decides and acts one thing at a time, is slow, and is killed. It knows what must never happen.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sizing/resize.hpp"

namespace fluxmetrics::sizing {

// One rule each that an agent can fail to keep. What it does then is what the machine would do without the
// rule.
enum class Mutant : std::uint8_t {
  none,
  takes_drains_for_done,  // publishes less before the drain was seen
  keeps_what_was_busy,    // reads what is busy before the drain
  sees_no_jobs,
  leaves_unborn_ranks,
  drains_rank_zero,
  takes_all_drains_for_ours,
  forgets_what_was_read,  // undrains what a reader may still take away
  undrains_before_publishing,
  forgets_the_size,  // undrains what is beyond the size
  takes_any_broker,  // undrains a rank whose broker is that of an old pod
  grows_over_old_pods,
  trusts_old_news,
  trusts_one_size,  // does not compare spec.size with the Job's
  shrinks_at_once,  // more than one shrink in 15 s
  shrinks_without_memory,
  never_undrains,
  never_drains,
  hopes,  // publishes less as soon as nothing is seen to run there, and drains nothing
};

enum class Fault : std::uint8_t {
  none,
  busy_rank_left,
  rank_zero_drained,
  foreign_drain_touched,
  undrained_before_published,
  undrained_on_its_way_out,
  smaller_before_drained,
  grown_over_old_pod,
  shrunk_unknowing,
  shrunk_too_soon,
  need_not_reached,
};

struct History {
  Fault fault = Fault::none;
  std::uint64_t shrinks = 0;
  std::uint64_t jobs = 0;
  // Of a storm:
  std::uint64_t killed = 0;      // jobs, by the deletion of a pod, or by the second broker of a rank
  std::uint64_t grown_over = 0;  // pods that were started while the old one of their index terminated
  std::uint64_t broker_restarts = 0;
  std::uint64_t agent_kills = 0;
  std::vector<std::string> lines;  // what happened, when recorded
};

// The same seed gives the same history.
[[nodiscard]] History play_history(std::uint64_t seed, Mutant mutant = Mutant::none, bool record = false);
// So many shrinks, with bursts of jobs on every rank that takes any: when the size falls, when the operator
// obeys, and between any two steps of the agent, which is killed at any of its steps. Brokers restart: one of
// a worker takes its job with it, rank 0's all jobs and all drains, and the agent is back before the workers
// are. No fault ends it; jobs that a resize kills are counted. A world that has only one size has no shrinks.
[[nodiscard]] History play_storm(std::uint64_t seed, std::uint64_t shrinks, Mutant mutant = Mutant::none,
                                 bool record = false);
[[nodiscard]] const char* name_of(Fault fault);

}  // namespace fluxmetrics::sizing
