// metav1.MicroTime: the times of Leases and Events.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "kube/fields.hpp"

namespace fluxmetrics::kube {

using MicroTime = std::chrono::sys_time<std::chrono::microseconds>;

// 2026-11-30T04:00:00.000000Z: exactly six digits of a second, a whole one too, as an API server refuses any
// other number of them.
[[nodiscard]] std::string format_micro_time(MicroTime time);

// nullopt where there is none. Throws ShapeError for what is no time; any number of digits is understood.
[[nodiscard]] std::optional<MicroTime> read_micro_time(const JsonField& field);

}  // namespace fluxmetrics::kube
