// What the values of metrics are made of.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "instance/state.hpp"
#include "metrics/user_metric.hpp"
#include "metrics/watch.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::metrics {

struct Inputs {
  const instance::InstanceState& state;
  const sizing::Demand& demand;
  Result<std::uint32_t> wanted = 0U;  // node_wanted_count, or why it has no value
  bool ranks_are_pods = true;  // false in a sub-instance that was asked for: numbers of pods are then 404
  WallTime now = {};           // of the snapshot, by the broker's clock
  const Watched* watched = nullptr;    // null = nobody has watched yet
  std::span<const Reading> user = {};  // of the user's metrics, in the order that the catalogue was given
};

}  // namespace fluxmetrics::metrics
