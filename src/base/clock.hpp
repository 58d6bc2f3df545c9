// Time: wall time for what people and Kubernetes read, monotonic time for ages and deadlines.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxmetrics {

using Seconds = std::chrono::duration<double>;
using WallTime = std::chrono::system_clock::time_point;
using MonoTime = std::chrono::steady_clock::time_point;

// One reading of both clocks; pure functions take it as a parameter.
struct Now {
  WallTime wall;
  MonoTime mono;
  static Now read() { return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()}; }
};

// Where decisions that depend on time get it from: Now::read, or a time of a test's own, which then need not
// wait.
using Clock = std::function<Now()>;

// Flux writes times as seconds since 1970 in a double.
[[nodiscard]] WallTime from_unix(double seconds);
[[nodiscard]] double to_unix(WallTime time);

// RFC 3339 in UTC with whole seconds, as metav1.Time marshals: 2026-11-22T03:50:27Z.
[[nodiscard]] std::string format_rfc3339(WallTime time);

// Parses a duration such as 60s, 1.5m, 250ms, 1h30m (Go's units ms, s, m, h), or a bare number of seconds.
// Errors: Code::invalid with the text and the accepted forms; negative durations are refused.
[[nodiscard]] Result<Seconds> parse_duration(std::string_view text);

}  // namespace fluxmetrics
