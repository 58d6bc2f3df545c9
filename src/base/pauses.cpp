#include "base/pauses.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace fluxmetrics {

double any_chance() {
  thread_local static std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution(0.0, 1.0)(random);
}

Seconds Pauses::next() {
  const auto pause = std::min(pause_, rule_.longest);
  pause_ = std::min(pause_ * rule_.growth, rule_.longest);
  return pause * (1 + rule_.jitter * chance_());
}

}  // namespace fluxmetrics
