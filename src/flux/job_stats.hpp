// The counts of jobs that a broker keeps: the reply to job-list.job-stats, read and written as replies.hpp
// says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics::flux {

struct JobStates {
  std::int64_t depend = 0, priority = 0, sched = 0, run = 0, cleanup = 0, inactive = 0, total = 0;
  bool operator==(const JobStates&) const = default;
};
struct QueueStats {
  std::string name;  // "" for the sum over the instance
  JobStates states;
  std::int64_t successful = 0, failed = 0, canceled = 0, timeout = 0, inactive_purged = 0;
  bool operator==(const QueueStats&) const = default;
};
struct JobStats {
  QueueStats all;
  std::vector<QueueStats> queues;  // empty when none are configured
  [[nodiscard]] static Result<JobStats> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
  bool operator==(const JobStats&) const = default;
};

}  // namespace fluxmetrics::flux
