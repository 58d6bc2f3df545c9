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
// of range, neither nodes nor slots. Empty lines are skipped. Jobs come back in the order of their times.
[[nodiscard]] Result<std::vector<TraceJob>> parse_trace(std::string_view text, std::string_view source);
// Errors: also Code::io when `path` cannot be read.
[[nodiscard]] Result<std::vector<TraceJob>> read_trace(const std::string& path);

}  // namespace fluxmetrics::simulate
