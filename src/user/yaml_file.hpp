// Reads a .yaml file that declares metrics by expressions over the instance's state. docs/user-metrics.md has
// its fields.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "metrics/user_metric.hpp"

namespace fluxmetrics::user {

struct Expression {
  metrics::UserMetric metric;
  std::string text;  // a jq program
  // Whether its value may change while the state stays: it speaks of now, .time, .timestamp and the like.
  [[nodiscard]] bool tells_time() const;
};

// The metrics of all documents of a file (those that a line --- divides).
// Errors: Code::invalid naming the file, the line and what is wrong there.
[[nodiscard]] Result<std::vector<Expression>> read_expressions(const std::string& path);
[[nodiscard]] Result<std::vector<Expression>> parse_expressions(const std::string& path,
                                                                const std::string& text);

}  // namespace fluxmetrics::user
