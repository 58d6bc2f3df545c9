// A list of jobs as the broker is asked for it.
#pragma once

namespace fluxmetrics::instance {

// Times are the broker's, in seconds since 1970; what is older need not be told again.
struct JobList {
  enum class Kind {
    active,     // all jobs in DEPEND..CLEANUP
    depending,  // all jobs in DEPEND and PRIORITY
    scheduled,  // in SCHED since `since`
    started,    // in RUN or CLEANUP since `since`
    ended,      // INACTIVE since `since`
  } kind = Kind::active;
  double since = 0;
  bool by_the_clock = false;  // every few minutes: not metered with what follows changes
  bool operator==(const JobList&) const = default;
};

}  // namespace fluxmetrics::instance
