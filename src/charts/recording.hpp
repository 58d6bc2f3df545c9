// What `get --record` wrote, as lines over time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "charts/svg.hpp"

namespace fluxmetrics::charts {

// The numbers of a recording by METRIC, or METRIC{LABELS} where it has several: (seconds since the first
// snapshot, value). A metric has no point where it had no number.
using Recording = std::map<std::string, ChartSeries>;

// Of JSON lines, a snapshot each: {"time": seconds, "metrics": {name: number, null, or
// [{"labels": {...}, "value": number}, ...]}}. A last line that breaks off is left out.
// Errors: Code::invalid naming the line, and for no numbers at all.
[[nodiscard]] Result<Recording> read_recording(const std::string& text);

// nodes.svg, jobs.svg and wait.svg, each only where it has a line. A recording with none of their metrics
// gets a chart for each metric that it has.
[[nodiscard]] std::vector<NamedChart> chart_recording(const Recording& recording, const std::string& theme);

}  // namespace fluxmetrics::charts
