#include "explain/verdict.hpp"

#include <algorithm>

#include "explain/own_metrics.hpp"

namespace fluxmetrics::explain {
namespace {

constexpr std::int64_t span_ms = 7'200'000;  // longer than the longest windows
constexpr std::int64_t whole = 1000;         // thousandths

// The size after a good while, from the present one; nullopt where the HPA cannot act at all.
std::optional<std::int32_t> settles_at(const AdviceInput& input, std::int64_t value) {
  auto forecast = input.forecast;
  forecast.seen = hpa::with_value(forecast.spec, std::move(forecast.seen), 0, value);
  forecast.seen.metric_faults.clear();
  forecast.past = {};
  forecast.appears = true;
  const auto steps = hpa::play_forward(forecast, span_ms);
  if (steps.empty() || steps.back().decision.path == hpa::HpaPath::no_scale ||
      steps.back().decision.path == hpa::HpaPath::disabled ||
      steps.back().decision.path == hpa::HpaPath::no_metric)
    return std::nullopt;
  return steps.back().decision.replicas;
}

}  // namespace

std::vector<Finding> remaining_faults(const AdviceInput& input) {
  auto findings = find_faults(input);
  std::erase_if(findings, [](const Finding& finding) { return finding.severity == Severity::note; });
  const auto& spec = input.forecast.spec;
  const auto& seen = input.forecast.seen;
  if (spec.metrics.size() != 1 || spec.metrics[0].name != wanted_metric || !of_an_object(spec.metrics[0]) ||
      spec.max < spec.min || spec.min < 1 || !seen.rivals.empty() || seen.selector.empty())
    return findings;
  const auto* known = spec.metrics[0].source == hpa::MetricSource::object
                          ? hpa::object_value(seen, spec.metrics[0])
                          : nullptr;
  const auto wanted = known != nullptr ? *known : (std::int64_t{spec.min} + spec.max + 1) / 2 * whole;
  const auto goal = std::clamp<std::int64_t>((wanted + whole - 1) / whole, spec.min, spec.max);
  const auto size = settles_at(input, wanted);
  if (size && *size != goal) {
    findings.insert(findings.begin(), {.id = "misses-the-metric",
                                       .severity = Severity::fault,
                                       .text = fmt::format("with {} at {} the size settles at {}, not at {}",
                                                           wanted_metric, wanted / whole, *size, goal)});
  }
  return findings;
}

}  // namespace fluxmetrics::explain
