// Names of metrics in external.metrics.k8s.io, where case does not count: Go's client, with which an HPA
// asks, sends them in lower case (k8s.io/metrics 0.37).
#pragma once

#include <span>
#include <string_view>

#include "metrics/family.hpp"

namespace fluxmetrics::metrics {

// In a catalogue's descriptions; nullptr: there is none. No two names of a catalogue differ in case alone
// (check_user_names()).
[[nodiscard]] const Description* find_external(std::span<const Description> catalogue, std::string_view name);

}  // namespace fluxmetrics::metrics
