// Metrics that a child process works out one after the other: what a worker needs to know of them.
#pragma once

#include <memory>
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
  std::optional<Seconds> every = {};  // a round even when the state stays as it is
};

// Used by one thread at a time.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  [[nodiscard]] virtual std::span<const metrics::UserMetric> metrics() const = 0;
  [[nodiscard]] virtual Rhythm rhythm() const = 0;
  // Whether values follow from the state alone.
  [[nodiscard]] virtual bool of_state() const = 0;
  // Makes ready for evaluate(): a child that lives and knows the state. Errors: no metric has a value now.
  [[nodiscard]] virtual Result<void> prepare(const std::shared_ptr<const instance::InstanceState>& state,
                                             WallTime confirmed) = 0;
  [[nodiscard]] virtual Outcome evaluate(std::size_t index) = 0;
  // Descriptor that is readable when this program ends: nothing waits for the child any more.
  virtual void set_stop(int descriptor) = 0;
};

}  // namespace fluxmetrics::user
