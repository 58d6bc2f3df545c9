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
#include "flux/idset.hpp"
#include "flux/job.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::flux {

// job-list.job-stats
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

// resource.status
struct Drain {
  IdSet ranks;
  double timestamp = 0;
  std::string reason;
  bool operator==(const Drain&) const = default;
};
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

// resource.journal and job-manager.events-journal entries (RFC 18).
struct Event {
  double timestamp = 0;
  std::string name;
  boost::json::object context;
  bool has_context = false;
  [[nodiscard]] static Result<Event> from_json(const boost::json::value& value);
  [[nodiscard]] boost::json::value to_json() const;
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

// Parses JSON text of a reply; integers stay integers. The memory it takes is bounded: 16 MiB of text, 64 MiB
// as a document. Errors: Code::protocol with `topic`.
[[nodiscard]] Result<boost::json::value> parse_payload(std::string_view topic, std::string_view text);

}  // namespace fluxmetrics::flux
