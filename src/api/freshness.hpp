// Whether there is data to answer with.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "metrics/snapshot.hpp"

namespace fluxmetrics::api {

// How long ago the broker confirmed the data; nullopt without any.
[[nodiscard]] std::optional<Seconds> age_of(const metrics::View& view, MonoTime now);

// A sentence on why no value can be given: no snapshot, or one older than `max_staleness`. nullopt when all
// is well.
[[nodiscard]] std::optional<std::string> data_trouble(const metrics::View& view, Seconds max_staleness,
                                                      MonoTime now);

}  // namespace fluxmetrics::api
