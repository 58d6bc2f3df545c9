// What is wrong with a scheduler's settings for an instance whose size changes, and how to mend it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "instance/scheduler.hpp"

namespace fluxmetrics::instance {

inline constexpr std::string_view denies_wide_jobs_id = "scheduler-denies-wide-jobs";
inline constexpr std::string_view fills_high_ranks_id = "scheduler-fills-high-ranks";

// A mistake in the settings. Texts are plain and of one or more lines, without a line break at their end.
struct SchedulerFinding {
  std::string id;           // one of those above
  std::string fault;        // what happens, in sentences
  std::string broker_toml;  // the tables of the broker's configuration that mend it
  std::string minicluster;  // the fields of a MiniCluster of the Flux operator that do, as YAML
  std::string how;          // what to do with them, in sentences
};

// In order of weight; none where the settings are fine, or not known. Seen on flux-core 0.88 with flux-sched
// 0.54; fields of the Flux operator's flux-framework.org/v1alpha2.
[[nodiscard]] std::vector<SchedulerFinding> scheduler_findings(const Scheduler& scheduler);

// A finding as paragraphs, for people: the fault, what to do, and both forms.
[[nodiscard]] std::string text_of(const SchedulerFinding& finding);

// Name and settings in one line: "Fluxion, queue policy fcfs, match policy first, prune filters ALL:core";
// what is not known says so.
[[nodiscard]] std::string describe(const Scheduler& scheduler);

}  // namespace fluxmetrics::instance
