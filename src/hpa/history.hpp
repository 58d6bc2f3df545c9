// What the controller remembers of an HPA between syncs, in memory only: recommendations and scale events.
// From them follow the stabilisation windows and the rates.
#pragma once

#include <cstdint>
#include <vector>

#include "hpa/spec.hpp"

namespace fluxmetrics::hpa {

class HpaHistory {
 public:
  // The size that a controller finds is its first recommendation; it holds the size for the windows.
  void begin(std::int32_t current, std::int64_t now_ms);
  void forget();

  // Without a behavior: the highest recommendation of the last `window_ms`, and `wanted`, which is recorded.
  [[nodiscard]] std::int32_t stabilise(std::int32_t wanted, std::int64_t window_ms, std::int64_t now_ms);

  // With a behavior: `current`, raised to the lowest recommendation of the one window and lowered to the
  // highest of the other; `wanted` is recorded.
  struct Windows {
    std::int64_t up_ms = 0;
    std::int64_t down_ms = 0;
  };
  [[nodiscard]] std::int32_t stabilise(std::int32_t current, std::int32_t wanted, Windows windows,
                                       std::int64_t now_ms);

  // The most and the fewest replicas that the policies allow now.
  [[nodiscard]] std::int32_t up_limit(const ScalingRules& rules, std::int32_t current,
                                      std::int64_t now_ms) const;
  [[nodiscard]] std::int32_t down_limit(const ScalingRules& rules, std::int32_t current,
                                        std::int64_t now_ms) const;

  void record_scale(const HpaBehavior& behavior, std::int32_t from, std::int32_t to, std::int64_t now_ms);

 private:
  struct Recommendation {
    std::int32_t replicas = 0;
    std::int64_t at_ms = 0;
  };
  struct Event {
    std::int32_t change = 0;
    std::int64_t at_ms = 0;
    bool outdated = false;  // its place may be taken; it still counts while it is young enough
  };
  [[nodiscard]] static std::int32_t changes(const std::vector<Event>& events, std::int32_t period_seconds,
                                            std::int64_t now_ms);
  [[nodiscard]] std::int32_t size_at_start(const ScalingPolicy& policy, std::int32_t current,
                                           std::int64_t now_ms) const;

  bool begun_ = false;
  std::vector<Recommendation> recommendations_;
  std::vector<Event> ups_;
  std::vector<Event> downs_;
};

}  // namespace fluxmetrics::hpa
