// Keeps the table of jobs by the job manager's events journal, and knows what was allocated since the broker
// was asked for it.
#pragma once

#include <deque>
#include <utility>

#include "base/clock.hpp"
#include "flux/replies.hpp"
#include "flux/resource_set.hpp"
#include "instance/allocation_bridge.hpp"
#include "instance/job_table.hpp"
#include "instance/wait_times.hpp"

namespace fluxmetrics::instance {

class JournalFollower {
 public:
  enum class Phase {
    off,      // lists tell of the jobs: there is no journal, or no more
    backlog,  // it tells what was before: half a backlog would be half a demand
    live,     // it tells what happens
    ended,    // its stream did: stop() is due
  };
  // What a reply means for others.
  struct News {
    bool allocated = false;  // somebody got resources, or gave them back
    bool life = false;       // it may be because the instance ends
    bool now = false;        // they are to be published without waiting for anything
  };

  // `jobs` is kept, the waits of jobs that start are counted in `waits`: both must live as long as this.
  JournalFollower(JobTable& jobs, WaitTimes& waits) : jobs_(jobs), waits_(waits) {}

  [[nodiscard]] Phase phase() const { return phase_; }
  // Whether the table is kept here, so that lists are a proof and no more.
  [[nodiscard]] bool keeps_jobs() const { return phase_ != Phase::off; }
  // Whether the table is whole.
  [[nodiscard]] bool complete() const { return phase_ == Phase::off || phase_ == Phase::live; }

  void begin(MonoTime now);
  [[nodiscard]] News take(const flux::JournalReply& reply, MonoTime now);
  // The stream ended.
  void end() { phase_ = Phase::ended; }
  // Whether the backlog has no end: nothing came for so long that something should have.
  [[nodiscard]] bool stuck(MonoTime now) const;
  // From here on lists tell of the jobs.
  void stop() { phase_ = Phase::off; }

  // A full list was taken into the table. It may be older than what the journal told, so that is told again.
  void repeat_after_list();

  // What is allocated: `known`, as the broker told it, and what was allocated since.
  [[nodiscard]] flux::ResourceSet allocated_over(const flux::ResourceSet& known) const {
    return bridge_.over(known);
  }
  // The broker was asked at `asked` for what is allocated.
  void caught_up(MonoTime asked) { bridge_.caught_up(asked); }

 private:
  void bridge_allocations(const flux::JournalReply& reply, MonoTime now);

  JobTable& jobs_;
  WaitTimes& waits_;
  AllocationBridge bridge_;
  Phase phase_ = Phase::off;
  MonoTime heard_{};
  // What was told last.
  std::deque<std::pair<MonoTime, flux::JournalReply>> told_lately_;
};

}  // namespace fluxmetrics::instance
