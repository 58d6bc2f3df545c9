// Plays an HPA forward from what is known now: what it decides at once and later, and which metric value
// leads to which size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hpa/controller.hpp"
#include "hpa/past.hpp"

namespace fluxmetrics::hpa {

// What is assumed between now and later.
struct Forecast {
  HpaName name = {};
  HpaSpec spec = {};
  HpaObservation seen =
      {};  // at the first sync; the scale, the pods and the metrics of later ones follow from it
  HpaFlags flags = {};
  HpaPlatform platform = {};
  std::int64_t period_ms = 15'020;  // from one sync to the next; never below 15 s in a cluster
  // The HPA is made at 0; else it is there already, and 0 is its next sync.
  bool appears = false;
  // The metric is a count of the target's own nodes: it changes with the size.
  bool follows_size = false;
  HpaPast past = {};  // of an HPA that a controller has synced already
};

// A sync whose outcome differs from that of the one before it.
struct ForecastStep {
  std::int64_t at_ms = 0;
  // Where a window of which only the controller knows the rest decides when: `at_ms` is the latest, this the
  // earliest, and the size may come in smaller steps.
  std::optional<std::int64_t> earliest_ms = {};
  std::int32_t before = 0;
  HpaDecision decision = {};
  HpaConditions conditions = {};
};

// The steps of `span_ms`, the first sync always among them: when that is, sync_times() says. The metric stays
// as it is, pods are ready by the next sync.
[[nodiscard]] std::vector<ForecastStep> play_forward(const Forecast& forecast, std::int64_t span_ms);

// What an HPA proposes when its metric `index` has the value (for a Utilization target: the percentage, in
// thousandths).
[[nodiscard]] std::optional<std::int32_t> proposal_at(const Forecast& forecast, std::size_t index,
                                                      std::int64_t value_milli);

// The metric values that make the metric propose exactly `size`, from the present size: after `above` up to
// `upto`.
struct ValueRange {
  std::int32_t size = 0;
  std::optional<std::int64_t> above = {};  // thousandths; nullopt: from the smallest
  std::optional<std::int64_t> upto = {};   // nullopt: without end
};
// One range a size from min to max that some value leads to, at most `rows` of them: the lowest and highest,
// and those near the present size. Empty when the metric is not monotone here (pods that are not ready).
[[nodiscard]] std::vector<ValueRange> values_for_sizes(const Forecast& forecast, std::size_t index,
                                                       std::size_t rows);

// How long the rules need from one size to another when the metric asks for it all the time; nullopt: never
// in a day.
[[nodiscard]] std::optional<std::int64_t> time_between(const HpaSpec& spec, std::int32_t from,
                                                       std::int32_t to, std::int64_t period_ms);

// A copy of `seen` in which metric `index` has the value.
[[nodiscard]] HpaObservation with_value(const HpaSpec& spec, HpaObservation seen, std::size_t index,
                                        std::int64_t value_milli);

}  // namespace fluxmetrics::hpa
