// Job ids, states and results (RFC 19, RFC 21).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxmetrics::flux {

using JobId = std::int64_t;

enum class JobState : std::uint32_t {
  new_ = 1,
  depend = 2,
  priority = 4,
  sched = 8,
  run = 16,
  cleanup = 32,
  inactive = 64,
};
inline constexpr std::uint32_t states_pending = 14;
inline constexpr std::uint32_t states_running = 48;
inline constexpr std::uint32_t states_active = 62;
inline constexpr std::array<JobState, 7> all_job_states{
    JobState::new_, JobState::depend,  JobState::priority, JobState::sched,
    JobState::run,  JobState::cleanup, JobState::inactive};

enum class JobResult : std::uint32_t { none = 0, completed = 1, failed = 2, canceled = 4, timeout = 8 };

// "new", "depend", "priority", "sched", "run", "cleanup", "inactive".
[[nodiscard]] std::string_view to_string(JobState state);
// Errors: Code::protocol for a number that is not exactly one state.
[[nodiscard]] Result<JobState> job_state_from(std::int64_t number);

// "ƒ2caLqpbZ" (RFC 19 f58), with f where Flux's commands write one (FLUX_F58_FORCE_ASCII, the locale).
[[nodiscard]] std::string encode_f58(JobId id);
// As Flux reads ids: f58, decimal, 0x hex, dothex, job.DOTHEX; no words or emoji. Errors: Code::invalid.
[[nodiscard]] Result<JobId> parse_job_id(std::string_view text);

}  // namespace fluxmetrics::flux
