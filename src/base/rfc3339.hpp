// Times as Kubernetes writes them, read.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace fluxmetrics {

// RFC 3339, the other way round than format_rfc3339(); a fraction of a second and an offset from UTC are
// understood too. nullopt: no such time.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace fluxmetrics
