#include "api/freshness.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"

namespace fluxmetrics::api {

std::optional<Seconds> age_of(const metrics::View& view, MonoTime now) {
  if (!view.snapshot) return std::nullopt;
  return std::max(Seconds(0), Seconds(now - view.snapshot->confirmed.mono));
}

std::optional<std::string> data_trouble(const metrics::View& view, Seconds max_staleness, MonoTime now) {
  const auto age = age_of(view, now);
  if (!age) {
    return fmt::format("Flux has not answered yet: {}",
                       view.trouble.empty() ? "waiting for the first answer" : view.trouble);
  }
  if (*age <= max_staleness) return std::nullopt;
  // No running number: an HPA copies this text into its status, which would be written at every sync.
  return fmt::format("Flux last answered at {}, longer ago than the {:g} s of --max-staleness: {}",
                     format_rfc3339(view.snapshot->confirmed.wall), max_staleness.count(),
                     view.trouble.empty() ? "waiting for the next answer" : view.trouble);
}

}  // namespace fluxmetrics::api
