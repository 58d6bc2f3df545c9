#include "instance/allocation_bridge.hpp"

#include <utility>

namespace fluxmetrics::instance {

void AllocationBridge::allocated(flux::JobId id, flux::ResourceSet R, MonoTime when) {
  recent_.push_back({.id = id, .R = std::move(R), .when = when});
}

void AllocationBridge::freed(flux::JobId id) {
  std::erase_if(recent_, [id](const Recent& recent) { return recent.id == id; });
}

void AllocationBridge::caught_up(MonoTime asked) {
  std::erase_if(recent_, [asked](const Recent& recent) { return recent.when <= asked; });
}

flux::ResourceSet AllocationBridge::over(const flux::ResourceSet& known) const {
  if (recent_.empty()) return known;
  flux::ResourceSet all = known;
  for (const auto& recent : recent_)
    all = flux::united(all, recent.R);
  return all;
}

}  // namespace fluxmetrics::instance
