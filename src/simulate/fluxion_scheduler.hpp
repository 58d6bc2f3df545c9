// Fluxion: a queue at a time, each by its own policy, with a plan of what is reserved for whom.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulate/fluxion_match.hpp"
#include "simulate/fluxion_options.hpp"
#include "simulate/scheduler.hpp"

namespace fluxmetrics::simulate {

class Queues;
class Resources;

class FluxionScheduler final : public Scheduler {
 public:
  // Fluxion's times are whole seconds since 1970.
  using Second = std::int64_t;
  // The end of time, when jobs without a limit end.
  static constexpr Second graph_end = 9'223'372'036;
  // So many jobs of a queue are looked at before it begins again.
  static constexpr std::uint32_t queue_depth = 32;

  struct Counts {
    std::uint64_t pending = 0, running = 0, reserved = 0, rejected = 0, complete = 0, cancelled = 0,
                  reprioritized = 0;
  };
  // Of a queue, since the start.
  struct QueueState {
    QueuePolicy policy = QueuePolicy::fcfs;
    Counts counts{};
    std::set<flux::JobId> blocked{};  // wait for nodes or other jobs to change, before they are tried again
  };

  // Requests that were matched with resources, or were not.
  struct Matches {
    std::uint64_t count = 0;
    flux::JobId latest = 0;
  };

  FluxionScheduler(FluxionOptions options, const Queues& queues, Resources& resources);

  void schedule(AllocRequests& requests, Time now) override;
  [[nodiscard]] Grant grant(const Job& job, Placement placement, Time since) const override;
  // On an instance without faults and without other jobs.
  [[nodiscard]] Result<void> feasible(const flux::Shape& shape, const flux::IdSet& admitted) const override;
  void on_request(const Job& job) override { ++queues_.at(job.queue).counts.pending; }
  void on_cancel(const Job& job) override { ++queues_.at(job.queue).counts.cancelled; }
  void on_reprioritize(const Job& job) override { ++queues_.at(job.queue).counts.reprioritized; }
  void on_free(const Job& job) override { ++queues_.at(job.queue).counts.complete; }

  [[nodiscard]] const FluxionOptions& options() const { return options_; }
  [[nodiscard]] const QueueState& queue(std::size_t index) const { return queues_.at(index); }
  [[nodiscard]] const Matches& matched() const { return matched_; }
  [[nodiscard]] const Matches& unmatched() const { return unmatched_; }

 private:
  // What is taken, from when, until when.
  struct Span {
    Second begin = 0, end = 0;
    Placement placement{};
    std::size_t queue = 0;
  };
  enum class Verdict { starts, reserved, busy, unsatisfiable };
  struct Outcome {
    Verdict verdict = Verdict::busy;
    Placement placement{};
    Second at = 0;
  };

  void first_come(AllocRequests& requests, std::size_t queue, Second now);
  // Returns whether to do it again: jobs left the line, and there are more than it looked at.
  [[nodiscard]] bool backfill(AllocRequests& requests, std::size_t queue, Second now);
  void forget_reservations(std::size_t queue);
  [[nodiscard]] Outcome attempt(AllocRequests& requests, const Job& job, bool reserve, Second now);
  [[nodiscard]] Outcome find(AllocRequests& requests, const Job& job, bool reserve, Second now) const;
  [[nodiscard]] std::optional<Verdict> refused_at_once(AllocRequests& requests, const Job& job,
                                                       bool reserve) const;
  [[nodiscard]] std::optional<Placement> place_now(const Job& job, Second now) const;
  [[nodiscard]] std::optional<Placement> place_at(const Job& job, Second at,
                                                  const std::vector<Span>& running) const;
  [[nodiscard]] std::optional<Placement> place_ever(const flux::Shape& shape,
                                                    const flux::IdSet& admitted) const;
  void subtract_reservations(std::vector<MatchNode>& nodes, Second from, Second until) const;
  void weigh(const Placement& placement);
  void start(AllocRequests& requests, Job& job, Placement placement, std::string_view how, Second now);
  void reserve(AllocRequests& requests, Job& job, Outcome outcome);
  void deny(AllocRequests& requests, Job& job);

  FluxionOptions options_;
  MatchPolicy match_;
  Resources& resources_;
  std::vector<QueueState> queues_;      // as Queues::all()
  std::vector<std::size_t> order_;      // of the queues, by name
  std::vector<Slice> whole_;            // by rank
  std::vector<std::uint64_t> weights_;  // by rank: cores that were free when last used
  std::vector<Span> reservations_;
  Matches matched_, unmatched_;
};

}  // namespace fluxmetrics::simulate
