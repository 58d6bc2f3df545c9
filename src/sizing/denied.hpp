// The jobs that the scheduler denied, seen as demand: they are gone, but whoever needs them submits them
// again.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "instance/state.hpp"
#include "sizing/admission.hpp"
#include "sizing/packing.hpp"
#include "sizing/policy.hpp"

namespace fluxmetrics::sizing {

struct Denied {
  std::uint64_t jobs = 0;   // lately, although the usable ranks would hold them
  std::uint32_t ranks = 0;  // at which the widest of those that count would have been taken; 0 = none counts
};

// Lately is within policy.count_denied, or within ten minutes where denied jobs ask for no nodes. `ranks`:
// the usable ones, as for demand.
[[nodiscard]] Denied denied_lately(const instance::InstanceState& state, const SizePolicy& policy,
                                   const Runs& ranks, Admission& admission, WallTime now);

}  // namespace fluxmetrics::sizing
