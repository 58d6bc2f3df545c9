// Workloads in a file: one JSON object a line, each a job and when it is submitted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "simulate/job_request.hpp"

namespace fluxmetrics::simulate {

struct TraceJob {
  double t = 0;  // seconds after the start
  JobRequest request;
  auto operator<=>(const TraceJob&) const = default;
};

// Errors: Code::invalid naming `source`, the line and the field: unknown fields, wrong types, numbers out
// of range, neither nodes nor slots. Empty lines and events of nodes are skipped. Jobs come back in the order
// of their times.
[[nodiscard]] Result<std::vector<TraceJob>> parse_trace(std::string_view text, std::string_view source);
// Errors: Code::io when `path` cannot be read.
[[nodiscard]] Result<std::string> read_trace_text(const std::string& path);
// Errors: also Code::io when `path` cannot be read.
[[nodiscard]] Result<std::vector<TraceJob>> read_trace(const std::string& path);

// A line that parse_trace() reads as the same job, times rounded to milliseconds; and one that it skips, for
// people: ranks that came ("online"), went, were drained or undrained.
[[nodiscard]] std::string trace_line(const TraceJob& job);
[[nodiscard]] std::string trace_event_line(double t, std::string_view event, std::string_view ranks);

}  // namespace fluxmetrics::simulate
