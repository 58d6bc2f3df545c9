// Metrics that a child process works out one after the other: what a worker needs to know of them.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "instance/state.hpp"
#include "metrics/user_metric.hpp"

namespace fluxmetrics::user {

struct Outcome {
  Result<std::vector<metrics::Item>> items;
  bool fatal = false;  // it took the child's life: others must not suffer when it is tried again
};

struct Rhythm {
  Seconds pause{0};                   // the least from one round to the next
  std::optional<Seconds> every = {};  // a round of what time changes, even when the state stays as it is
  Seconds longest = Seconds::max();   // of a round and the rest after it, as far as that is the rest's choice
};

// How often a value must be worked out anew that is kept for `max_staleness`.
[[nodiscard]] inline Seconds refresh_time(Seconds max_staleness) {
  return std::clamp(max_staleness / 3, Seconds(0.2), Seconds(5));
}

// Used by one thread at a time.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  [[nodiscard]] virtual std::span<const metrics::UserMetric> metrics() const = 0;
  [[nodiscard]] virtual Rhythm rhythm() const = 0;
  // Whether values are worked out from the state, and so no newer than its last confirmation.
  [[nodiscard]] virtual bool reads_state() const = 0;
  // Whether the values of metric `index` follow from the state alone.
  [[nodiscard]] virtual bool of_state(std::size_t index) const = 0;
  // Makes ready for evaluate(): a child that lives and knows the state. Errors: no metric has a value now.
  [[nodiscard]] virtual Result<void> prepare(const std::shared_ptr<const instance::InstanceState>& state,
                                             WallTime confirmed) = 0;
  [[nodiscard]] virtual Outcome evaluate(std::size_t index) = 0;
  // Descriptor that is readable when this program ends: nothing waits for the child any more.
  virtual void set_stop(int descriptor) = 0;
};

}  // namespace fluxmetrics::user
