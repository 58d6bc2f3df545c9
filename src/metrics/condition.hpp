// In which state of its life the instance is, as far as this program can tell.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "metrics/snapshot.hpp"

namespace fluxmetrics::metrics {

enum class Condition : std::uint8_t {
  starting,      // not heard of yet, or its broker is not ready
  quorum,        // waits for enough of its nodes
  no_scheduler,  // runs, but starts no job
  running,
  shutdown,  // is ending
  silent,    // a broker is there, and does not answer
  gone,      // no broker is there
};
inline constexpr std::array<Condition, 7> all_conditions{
    Condition::starting, Condition::quorum, Condition::no_scheduler, Condition::running,
    Condition::shutdown, Condition::silent, Condition::gone};

[[nodiscard]] Condition condition_of(const View& view);
// "no-scheduler"
[[nodiscard]] std::string_view to_string(Condition condition);

}  // namespace fluxmetrics::metrics
