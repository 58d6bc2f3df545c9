// The jobs that the scheduler denied lately. They are no demand any more, and nothing else tells that they
// were: whoever submits them again needs the nodes that were missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "flux/job.hpp"
#include "flux/jobspec.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::instance {

class DeniedJobs {
 public:
  // How long a job is remembered, and how far back the first list looks.
  static constexpr Seconds remembered = std::chrono::hours(1);
  static constexpr Seconds first_look = std::chrono::minutes(10);
  static constexpr std::size_t most = 1000;  // the newest are kept

  // The payload of job-list.list (flux-core 0.53 and newer) for failed jobs that ended after `since`.
  [[nodiscard]] static std::string list_request(double since);
  // Takes its reply. Returns when the last job of it ended, 0 when it has none; errors: Code::protocol.
  // Jobs that ran, or that failed for another reason, are not kept.
  [[nodiscard]] Result<double> take(const boost::json::value& reply);

  // Those whose jobspec nobody has told yet, at most `limit`; until then they are sized by job-list's counts.
  [[nodiscard]] std::vector<flux::JobId> without_jobspec(std::size_t limit) const;
  // Null for one that cannot be read; it is not asked for again.
  void set_jobspec(flux::JobId id, const boost::json::value& jobspec);

  // Writes what is left of them to `state`, whose jobs, queues and shapes are set, and forgets those that are
  // too old, and those in whose place a job at least as wide was submitted to the same queue and not denied:
  // most likely the same one, tried again.
  void write(InstanceState& state, WallTime now);

  // Whether write() would write something else than last, into the same state.
  [[nodiscard]] bool outdated(WallTime now) const;

 private:
  struct Entry {
    flux::JobId id = 0;
    std::string queue;
    std::optional<std::uint32_t> nnodes, ncores;
    double t_denied = 0;
    flux::Shape shape;
    bool asked = false;  // for its jobspec
  };
  [[nodiscard]] static bool is_old(const Entry& denied, WallTime now);
  [[nodiscard]] static bool replaces(const InstanceState& state, const Job& job, const Entry& denied);

  std::vector<Entry> jobs_;  // by id
  bool changed_ = false;     // since they were written
};

}  // namespace fluxmetrics::instance
