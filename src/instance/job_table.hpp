// The active jobs of an instance by id, kept up to date from job lists or from the job manager's events
// journal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "flux/job.hpp"
#include "flux/jobspec.hpp"
#include "flux/replies.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::instance {

class JobTable {
 public:
  // What job-list is asked for. "t_sched" exists since Flux 0.87: an older broker refuses it by name.
  [[nodiscard]] static std::vector<std::string_view> list_attributes(bool with_t_sched);

  // Takes a full list of the active jobs: jobs that are not in it are gone. Jobspecs that are known stay
  // known.
  void replace(std::span<const flux::JobRecord> jobs);

  // Takes one journal reply (RFC 21 events of one job). Replays and unknown events do no harm.
  void apply(const flux::JournalReply& reply);

  // Takes the jobspec of a job (job-manager.getattr). Unreadable ones are remembered as such and not asked
  // for again.
  void set_jobspec(flux::JobId id, const boost::json::value& jobspec);

  // At most `limit` jobs whose jobspec nobody has told yet, pending ones first.
  [[nodiscard]] std::vector<flux::JobId> without_jobspec(std::size_t limit) const;
  // Jobs that the journal updated in a way only a fresh jobspec tells; cleared by the call.
  [[nodiscard]] std::vector<flux::JobId> take_outdated();

  // Writes jobs and shapes of `state`, whose queues are set already. A job of a queue that is not configured
  // gets the first one.
  void write(InstanceState& state) const;

  // Grows with every change.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] std::size_t size() const { return jobs_.size(); }

 private:
  struct Entry {
    flux::JobState state = flux::JobState::new_;
    std::int64_t priority = 0;
    std::string queue;
    double t_submit = 0, t_sched = 0, t_run = 0, duration = 0, expiration = 0;
    std::optional<std::uint32_t> nnodes, ncores;
    std::optional<flux::Shape> shape;  // of the jobspec
    bool asked = false;                // a jobspec came, readable or not
  };
  void apply_event(flux::JobId id, const flux::Event& event);
  static void read_jobspec(Entry& entry, flux::JobId id, const boost::json::value& jobspec);
  static void read_allocation(Entry& entry, const boost::json::value& R);

  std::map<flux::JobId, Entry> jobs_;
  std::vector<flux::JobId> outdated_;
  std::uint64_t version_ = 0;
};

}  // namespace fluxmetrics::instance
