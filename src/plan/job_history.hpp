// A workload out of what Flux tells of its jobs: lists of `flux jobs` and `flux job list`, and what `plan
// record` sees.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "simulate/trace.hpp"

namespace fluxmetrics::plan {

// Times are seconds since 1970; 0 = not yet.
struct JobHistory {
  double submit = 0;
  double run = 0;
  double end = 0;    // of running, or of waiting when it never ran
  double limit = 0;  // 0 = none
  bool held = false;
  // What it holds, or what is known of what it asks for.
  std::optional<std::uint32_t> nodes = {};
  std::optional<std::uint32_t> cores = {};
  std::optional<std::uint32_t> tasks = {};
  std::string queue = {};
};

// How jobs were taken, for a sentence about it.
struct HistoryCounts {
  std::uint64_t ended = 0;
  std::uint64_t running = 0;           // with their limit as their duration
  std::uint64_t running_so_far = 0;    // without a limit: with the time until now
  std::uint64_t waiting = 0;           // with their limit as their duration
  std::uint64_t waiting_left_out = 0;  // held, or without a limit
  std::uint64_t waiting_unknown = 0;   // nobody knows what they ask for: left out
  std::uint64_t never_ran = 0;         // canceled before: left out
  // "12 jobs ended; 3 run: ..."
  [[nodiscard]] std::string sentence() const;
};

// The job as it looks to somebody who watched from `begin` until `now`: what came earlier comes at 0, and
// runs from then on. Nothing for a job that says nothing about a workload. One that holds nodes takes as many
// cores on each; one that has no cores told takes whole nodes; one that names no nodes takes single cores
// anywhere.
[[nodiscard]] std::optional<simulate::TraceJob> trace_of(const JobHistory& job, double begin, double now,
                                                         HistoryCounts& counts);

struct Workload {
  std::vector<simulate::TraceJob> jobs = {};
  std::string remark = {};  // how a list of Flux's was read; "" of a trace
};

// A trace, {"jobs":[..]} or [..] of `flux jobs --json`, or such jobs as JSON lines. Errors: as parse_trace().
[[nodiscard]] Result<Workload> parse_workload(std::string_view text, std::string_view source);
// Errors: also Code::io when `path` cannot be read; "-" is standard input.
[[nodiscard]] Result<Workload> read_workload(const std::string& path);

}  // namespace fluxmetrics::plan
