// The payloads this product reads (and its simulator writes), as values. Every from_json keeps what to_json
// needs to give an equal JSON. Sources: the brokers' replies; flux-core documents none of them as stable, so
// unknown keys are ignored and missing ones get the defaults named here. Errors: Code::protocol naming the
// field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/drain.hpp"
#include "flux/event.hpp"
#include "flux/idset.hpp"
#include "flux/job.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::flux {

// resource.status
struct ResourceStatus {
  ResourceSet resources;
  std::vector<Drain> drains;
  IdSet online, offline, exclude, torpid;
  [[nodiscard]] static Result<ResourceStatus> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
  bool operator==(const ResourceStatus&) const = default;
};

// resource.sched-status and sched.resource-status
struct SchedStatus {
  ResourceSet all, down, allocated;
  [[nodiscard]] static Result<SchedStatus> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
  bool operator==(const SchedStatus&) const = default;
};

// job-manager.queue-status
struct QueueStatus {
  bool enable = true;
  bool start = true;
  std::optional<std::string> disable_reason, stop_reason, blocked;
  [[nodiscard]] static Result<QueueStatus> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
  bool operator==(const QueueStatus&) const = default;
};

struct JournalReply {  // job-manager.events-journal; id -1 ends the backlog
  JobId id = 0;
  std::vector<Event> events;
  std::optional<boost::json::value> jobspec, R;
  [[nodiscard]] static Result<JournalReply> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
};

struct ResourceJournalReply {  // resource.journal; no events: the backlog ends
  std::vector<Event> events;
  std::optional<ResourceSet> R;  // comes with resource-define
  [[nodiscard]] static Result<ResourceJournalReply> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
};

}  // namespace fluxmetrics::flux
