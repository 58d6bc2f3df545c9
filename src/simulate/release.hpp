// What Flux could do in each of its versions: a simulated broker refuses what the version it plays did not
// have.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxmetrics::simulate {

// A version of flux-core, 0.MINOR.
class Release {
 public:
  Release() = default;  // the newest that is imitated
  explicit Release(std::uint32_t minor) : minor_(minor) {}
  // "0.53" or "0.53.0". Errors: Code::invalid for anything that is not a version from 0.36 to 0.88.
  [[nodiscard]] static Result<Release> parse(std::string_view text);

  [[nodiscard]] bool before(std::uint32_t minor) const { return minor_ < minor; }
  // Whether a broker of this version has `topic`, which the newest one has.
  [[nodiscard]] bool has(std::string_view topic) const;
  [[nodiscard]] std::string text() const;  // "0.53.0"
  auto operator<=>(const Release&) const = default;

 private:
  static constexpr std::uint32_t newest = 88;
  std::uint32_t minor_ = newest;
};

// What changed inside of a topic, by the version that brought it.
namespace since {
inline constexpr std::uint32_t queue_counts = 46;     // job-stats by queue, purged and successful jobs
inline constexpr std::uint32_t list_constraint = 53;  // before: userid, states and results, all required
inline constexpr std::uint32_t stats_stream = 55;     // before: one reply, whatever is asked for
inline constexpr std::uint32_t job_journal = 61;      // jobspec, R, backlog by job and a last word after it
inline constexpr std::uint32_t rank_constraint = 64;  // job-list: ranks and hostlist
inline constexpr std::uint32_t torpid_status = 66;    // before: torpid ranks are drained
inline constexpr std::uint32_t undrain_mode = 67;     // before: ignored
inline constexpr std::uint32_t shrink = 72;       // before: a lost rank stays, however resources were found
inline constexpr std::uint32_t list_stream = 82;  // before: one reply, whatever is asked for
inline constexpr std::uint32_t private_scheduler = 84;  // before: guests may ask the scheduler itself
inline constexpr std::uint32_t journal_batch = 85;      // resource.journal: the backlog in one reply
inline constexpr std::uint32_t sched_times = 87;        // attributes t_sched and t_priority
inline constexpr std::uint32_t private_mode = 87;
inline constexpr std::uint32_t blocked = 88;  // why a started queue starts nothing
}  // namespace since

}  // namespace fluxmetrics::simulate
