#include "metrics/handed_out.hpp"

#include <chrono>

namespace fluxmetrics::metrics {

HandedOut::HandedOut(Seconds acts_within, MonoTime began)
    : acts_within_(std::chrono::duration_cast<MonoTime::duration>(acts_within)),
      known_from_(began + acts_within_) {}

void HandedOut::record(std::uint32_t value, MonoTime now) {
  // What is larger and older than this can be the smallest no more.
  while (!values_.empty() && values_.back().value >= value)
    values_.pop_back();
  values_.push_back({.value = value, .last = now});
  while (values_.size() > 1 && now - values_.front().last > acts_within_)
    values_.pop_front();
}

std::uint32_t HandedOut::smallest(MonoTime now) const {
  if (values_.empty() || now < known_from_) return 0;
  for (const auto& [value, last] : values_)
    if (now - last <= acts_within_) return value;
  return values_.back().value;
}

bool HandedOut::unread(MonoTime now) const {
  return values_.empty() && now >= known_from_;
}

}  // namespace fluxmetrics::metrics
