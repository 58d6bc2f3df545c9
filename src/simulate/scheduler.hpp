// What decides which of the jobs that wait start, where, and which never can. Flux has two of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "flux/resource_set.hpp"
#include "simulate/job.hpp"

namespace fluxmetrics::simulate {

// What a job gets.
struct Grant {
  Placement placement;
  flux::ResourceSet R;
  boost::json::object annotations;
};

// The job manager's requests for resources (RFC 27), answered by function call.
class AllocRequests {
 public:
  AllocRequests() = default;
  AllocRequests(const AllocRequests&) = delete;
  AllocRequests& operator=(const AllocRequests&) = delete;
  virtual ~AllocRequests() = default;
  // The first in line behind `after` (null: of all), by priority, then id; null at the end. Held jobs, and
  // those of stopped queues, ask for nothing. `after` may have been answered.
  [[nodiscard]] virtual Job* next(const Job* after) = 0;
  // Jobs that hold resources.
  [[nodiscard]] virtual const std::map<flux::JobId, const Job*>& running() const = 0;
  virtual void succeed(Job& job, Grant grant) = 0;
  virtual void annotate(Job& job, boost::json::object annotations) = 0;
  virtual void deny(Job& job, std::string note) = 0;
};

class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  virtual ~Scheduler() = default;

  virtual void schedule(AllocRequests& requests, Time now) = 0;
  // What a job that starts at `since` on `placement` is given.
  [[nodiscard]] virtual Grant grant(const Job& job, Placement placement, Time since) const = 0;
  // feasibility.check. Errors: that it can never run, with the scheduler's errno and words.
  [[nodiscard]] virtual Result<void> feasible(const flux::Shape& shape,
                                              const flux::IdSet& admitted) const = 0;
  // For statistics: a job came to ask, asks no longer, has another priority, gave back what it had.
  virtual void on_request(const Job& /*job*/) {}
  virtual void on_cancel(const Job& /*job*/) {}
  virtual void on_reprioritize(const Job& /*job*/) {}
  virtual void on_free(const Job& /*job*/) {}
};

}  // namespace fluxmetrics::simulate
