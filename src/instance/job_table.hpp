// The active jobs of an instance by id, kept up to date from job lists or from the job manager's events
// journal.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "flux/event.hpp"
#include "flux/job.hpp"
#include "flux/job_list.hpp"
#include "flux/job_stats.hpp"
#include "flux/jobspec.hpp"
#include "instance/state.hpp"
#include "instance/wait_times.hpp"

namespace fluxmetrics::flux {
struct JournalReply;
}

namespace fluxmetrics::instance {

class JobTable {
 public:
  // A full list of the active jobs: between the two calls take() is given every one of them, `expected` or
  // so. Jobs that were not taken are gone. Jobspecs that are known stay known.
  void begin_full(std::size_t expected);
  void end_full();
  // One job of a full list, or of a list of changes: a job that is new, moved, or (INACTIVE) gone.
  void take(const flux::ListedJob& job);

  // Takes one journal reply (RFC 21 events of one job). Replays and unknown events do no harm. At most
  // flux::max_listed_jobs are kept: size() says when that is reached.
  void apply(const flux::JournalReply& reply);

  // From here on the waits of jobs that start are added to `waits`, which must live as long as this: those
  // that the journal tells, and with `of_lists` those that lists show. Null ends it.
  void count_starts(WaitTimes* waits, bool of_lists) {
    waits_ = waits;
    lists_count_ = of_lists;
  }

  // Takes the jobspec of a job (job-manager.getattr). Unreadable ones are remembered as such and not asked
  // for again.
  void set_jobspec(flux::JobId id, const boost::json::value& jobspec);

  // At most `limit` jobs whose jobspec nobody has told yet, pending ones first.
  [[nodiscard]] std::vector<flux::JobId> without_jobspec(std::size_t limit);
  // False when without_jobspec() would find none.
  [[nodiscard]] bool may_lack_jobspecs() const { return may_lack_jobspecs_; }
  // Jobs that the journal updated in a way only a fresh jobspec tells; cleared by the call.
  [[nodiscard]] std::vector<flux::JobId> take_outdated();
  // Gives back those of take_outdated() that were not asked for after all.
  void put_back_outdated(std::span<const flux::JobId> ids);

  // Writes jobs and shapes of `state`, whose queues are set already. A job of a queue that is not configured
  // gets the first one.
  void write(InstanceState& state) const;

  // How many jobs there are in each active state; comparable to what job-stats says.
  [[nodiscard]] flux::JobStates count() const;
  // Grows with every change.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] std::size_t size() const { return rows_.size() - dead_; }

 private:
  static constexpr std::uint32_t no_shape = 0xffffffffU;
  // A job's queue is an index into queues_ here, and its shape one into shapes_ (no_shape: no jobspec).
  struct Row {
    Job job;
    bool asked = false;  // a jobspec came, readable or not
    bool seen = false;   // in the full list that is being taken
    [[nodiscard]] bool dead() const { return job.state == flux::JobState::inactive; }
  };
  [[nodiscard]] Row* find(flux::JobId id);  // null when there is none, or it is dead
  Row& insert(flux::JobId id);              // or the one that is there
  void erase(Row& row);
  void note_start(const Job& job);
  void compact();
  void forget_unused_shapes();
  void apply_event(flux::JobId id, const flux::Event& event);
  void read_jobspec(Row& row, const boost::json::value& jobspec);
  static void read_allocation(Job& job, const boost::json::value& R);
  [[nodiscard]] std::uint32_t queue_index(std::string_view name);
  [[nodiscard]] std::uint32_t shape_index(flux::Shape shape);
  [[nodiscard]] static std::size_t weight_of(const flux::Shape& shape);

  std::vector<Row> rows_;   // by id; dead ones stay until there are many
  std::vector<Row> fresh_;  // of a full list, in its order, until it ends
  std::size_t dead_ = 0;
  bool listing_ = false;  // between begin_full() and end_full()
  std::vector<std::string> queues_;
  std::vector<flux::Shape> shapes_;
  std::map<flux::Shape, std::uint32_t> shape_indices_;
  std::size_t shapes_weight_ = 0;
  std::vector<flux::JobId> outdated_;
  bool may_lack_jobspecs_ = false;
  std::uint64_t version_ = 0;
  WaitTimes* waits_ = nullptr;
  bool lists_count_ = false;
};

}  // namespace fluxmetrics::instance
