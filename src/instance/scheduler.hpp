// Which scheduler an instance has and how it is set: what decides when and where a job runs. A value, read by
// whoever must know what the scheduler will do with a job.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace fluxmetrics::instance {

// A setting of the scheduler: its value as the scheduler writes it, or why it cannot be told, as a sentence.
// Neither of them: the scheduler has no such setting, or was not asked yet.
struct Setting {
  std::optional<std::string> value;
  std::string unknown;

  [[nodiscard]] static Setting of(std::string value) { return {.value = std::move(value), .unknown = {}}; }
  [[nodiscard]] static Setting because(std::string why) {
    return {.value = std::nullopt, .unknown = std::move(why)};
  }
  [[nodiscard]] bool is(std::string_view text) const { return value == text; }
  bool operator==(const Setting&) const = default;
};

// What one of the scheduler's queues does that is set apart from the others.
struct QueuePolicy {
  std::string queue;
  std::string policy;
  bool operator==(const QueuePolicy&) const = default;
};

// Names and meanings of the settings: flux-config-sched-fluxion-qmanager(5) and
// flux-config-sched-fluxion-resource(5) of flux-sched 0.54. Only Fluxion has them.
struct Scheduler {
  enum class Kind { unknown, none, simple, fluxion, other };

  Kind kind = Kind::unknown;
  std::string module;    // that serves "sched": "sched-simple", "sched-fluxion-qmanager"; "" = not known
  std::string unknown;   // why the kind is not known, as a sentence
  Setting queue_policy;  // fcfs, easy, hybrid or conservative: of all queues that are not in the list below
  std::vector<QueuePolicy> queue_policies;  // of named queues, by name
  Setting match_policy;   // "first", "lonode", ..., or "policy=high node_exclusive=true" and the like
  Setting prune_filters;  // "ALL:core,ALL:node"

  // "Fluxion", "sched-simple", the module's name, "none", or "" when it is not known.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] Setting policy_of(std::string_view queue) const;

  // Whether each job takes whole nodes, whatever it asks for: lonodex, hinodex, firstnodex,
  // node_exclusive=true. False where it is not known.
  [[nodiscard]] bool whole_nodes() const;
  // Whether nodes with high ranks are taken first, so that the highest are busy as soon as anything runs and
  // the instance cannot shrink: first, firstnodex, high, hinode, hinodex, policy=high. False where it is not
  // known.
  [[nodiscard]] bool fills_high_ranks_first() const;
  // Whether a job that asks for more nodes than are up at the moment is denied for good, also when nodes go
  // down or are drained while it waits: Fluxion's fcfs as long as its prune filters count nodes. Of one
  // queue, or of any. Nothing where that cannot be told.
  [[nodiscard]] std::optional<bool> denies_wide_jobs(std::string_view queue) const;
  [[nodiscard]] std::optional<bool> denies_wide_jobs() const;

  // docs/get.md describes the document: what is not known is absent, and "unknown" says why.
  [[nodiscard]] boost::json::object to_json() const;
  [[nodiscard]] static Result<Scheduler> from_json(const boost::json::value& value);

  bool operator==(const Scheduler&) const = default;
};

}  // namespace fluxmetrics::instance
