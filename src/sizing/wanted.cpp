#include "sizing/wanted.hpp"

#include <algorithm>

namespace fluxmetrics::sizing {

std::uint32_t WantedSize::update(const Demand& demand, std::uint32_t size, MonoTime now) {
  const auto hold = std::chrono::duration_cast<MonoTime::duration>(policy_.hold);
  // The value that was current until now stays in the window for `hold`, unless the new one is as large.
  while (!window_.empty() && window_.back().value <= demand.target)
    window_.pop_back();
  if (!window_.empty() && window_.back().until == MonoTime::max()) window_.back().until = now + hold;
  window_.push_back({.until = MonoTime::max(), .value = demand.target});
  while (window_.front().until <= now)
    window_.pop_front();

  const std::uint32_t kept = now < kept_until_ ? kept_ : 0;
  const std::uint32_t wanted = std::max({window_.front().value, policy_.min_replicas, kept});
  const std::uint32_t allowed = std::min(wanted, policy_.max_replicas.value_or(size));
  need_ = std::min(size, allowed);
  return std::min(size, std::max(allowed, demand.safe_min));
}

void WantedSize::keep(std::uint32_t size, MonoTime until) {
  kept_ = until == kept_until_ ? std::max(kept_, size) : size;
  kept_until_ = until;
}

}  // namespace fluxmetrics::sizing
