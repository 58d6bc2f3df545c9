#include "explain/words.hpp"

#include <cmath>

#include "base/plural.hpp"

namespace fluxmetrics::explain {
namespace {

std::string describe_target(const hpa::HpaMetric& metric) {
  const auto& target = metric.target;
  const bool object = metric.source == hpa::MetricSource::object;
  if (target.average_value && (!object || target.type == "AverageValue")) {
    return "AverageValue " + plain_number(*target.average_value);
  }
  if (target.value && (metric.source == hpa::MetricSource::external || object)) {
    return "Value " + plain_number(*target.value);
  }
  if (target.average_utilization) return fmt::format("{} % of the requests", *target.average_utilization);
  return "none that counts";
}

bool by_status(const hpa::HpaMetric& metric) {
  if (metric.source == hpa::MetricSource::external) return metric.target.average_value.has_value();
  return metric.source == hpa::MetricSource::object && metric.target.type == "AverageValue";
}

// Why the tolerance did or did not swallow the ratio.
std::string describe_ratio(double ratio, const hpa::Tolerances& tolerances) {
  if (!std::isfinite(ratio)) return "";
  if (tolerances.within(ratio)) {
    return fmt::format("within the tolerance ({:.4g} to {:.4g})", 1 - tolerances.down, 1 + tolerances.up);
  }
  return ratio < 1 ? fmt::format("below {:.4g}", 1 - tolerances.down)
                   : fmt::format("above {:.4g}", 1 + tolerances.up);
}

// Why the size is another one than the windows left.
std::string describe_limit(const hpa::HpaSpec& spec, const hpa::HpaCondition& limited) {
  if (limited.reason == "TooFewReplicas") return fmt::format("minReplicas {} decides", spec.min);
  if (limited.reason == "TooManyReplicas") return fmt::format("maxReplicas {} decides", spec.max);
  if (limited.reason == "ScaleUpLimit") {
    return spec.behavior ? "the policies of scaleUp decide" : "at most twice the size, or 4, decides";
  }
  return "the policies of scaleDown decide";
}

std::string describe_window(const hpa::HpaSpec& spec, const hpa::HpaFlags& flags,
                            const hpa::ForecastStep& step) {
  const bool up = *step.decision.wanted >= step.before && spec.behavior;
  const std::int64_t down = spec.behavior && spec.behavior->down.window_seconds
                                ? *spec.behavior->down.window_seconds
                                : flags.downscale_window_ms / 1000;
  const std::int64_t window = up ? spec.behavior->up.window_seconds.value_or(0) : down;
  return fmt::format("the {} window of {} s decides: {} was recommended within it",
                     up ? "scaleUp" : "scaleDown", window, *step.decision.stabilised);
}

}  // namespace

std::string plain_number(std::int64_t milli) {
  if (milli % 1000 == 0) return std::to_string(milli / 1000);
  return fmt::format("{:.10g}", static_cast<double>(milli) / 1000);
}

std::string describe_metric(const hpa::HpaMetric& metric) {
  std::string text = fmt::format("{} {}", metric.type, metric.name);
  if (metric.source == hpa::MetricSource::object) {
    text += fmt::format(" of {} {}", metric.object.kind, metric.object.name);
  }
  if (!metric.container.empty()) text += " of the containers " + metric.container;
  if (!metric.selector.empty()) text += fmt::format(" with {}", metric.selector);
  return fmt::format("{}, target {}", text, describe_target(metric));
}

std::string describe_proposal(const hpa::HpaMetric& metric,
                              const std::expected<hpa::MetricProposal, hpa::MetricFailure>& proposal,
                              const hpa::Forecast& forecast) {
  if (!proposal) return fmt::format("fails ({}): {}", proposal.error().reason, proposal.error().error);
  const auto tolerances = hpa::tolerances_of(forecast.spec, forecast.flags, forecast.platform);
  const auto verdict = describe_ratio(proposal->ratio, tolerances);
  const auto& seen = forecast.seen;
  const auto& target = metric.target;
  if (by_status(metric)) {
    const auto each = plain_number(*target.average_value);
    if (seen.status_replicas == 0) {
      return fmt::format(
          "the status has 0 replicas, so no tolerance applies: it proposes the metric / {}, rounded up: {}",
          each, proposal->replicas);
    }
    const auto ratio = fmt::format("the metric / ({} x {}) is {:.4g}, {}", each,
                                   counted(seen.status_replicas, "replica"), proposal->ratio, verdict);
    if (proposal->within)
      return fmt::format("{}: it proposes the {} of the status", ratio, proposal->replicas);
    return fmt::format("{}: it proposes the metric / {}, rounded up: {}", ratio, each, proposal->replicas);
  }
  const auto ratio = fmt::format("usage / target is {:.4g}, {}", proposal->ratio, verdict);
  if (proposal->within) return fmt::format("{}: it proposes the present {}", ratio, proposal->replicas);
  if (metric.source == hpa::MetricSource::object || metric.source == hpa::MetricSource::external) {
    if (seen.spec_replicas == 0)
      return fmt::format("{}: from 0 it proposes that, rounded up: {}", ratio, proposal->replicas);
    return fmt::format("{}: it proposes {:.4g} x {}, rounded up: {}", ratio, proposal->ratio,
                       counted(seen.pods_ready, "ready pod"), proposal->replicas);
  }
  return fmt::format("{}: it proposes {:.4g} x the pods that count, rounded up: {}", ratio, proposal->ratio,
                     proposal->replicas);
}

std::string describe_step(const hpa::HpaSpec& spec, const hpa::HpaFlags& flags,
                          const hpa::ForecastStep& step) {
  const auto& decision = step.decision;
  switch (decision.path) {
    case hpa::HpaPath::no_scale:
      return fmt::format("the size stays {}: the scale cannot be read: {}", step.before, decision.error);
    case hpa::HpaPath::disabled:
      return "the size stays 0: scaling is disabled while the target has 0 replicas";
    case hpa::HpaPath::above_max:
      return fmt::format(
          "{} -> {} at once: the size is above maxReplicas; no metric is read and no window applies",
          step.before, decision.replicas);
    case hpa::HpaPath::below_min:
      return fmt::format(
          "{} -> {} at once: the size is below minReplicas; no metric is read and no window applies",
          step.before, decision.replicas);
    case hpa::HpaPath::no_metric:
      return fmt::format("the size stays {}: {}", step.before, decision.error);
    case hpa::HpaPath::computed:
      break;
  }
  const auto* limited = step.conditions.find("ScalingLimited");
  auto text = decision.replicas == step.before
                  ? fmt::format("the size stays {}; wanted {}", step.before, *decision.wanted)
                  : fmt::format("{} -> {}; wanted {}", step.before, decision.replicas, *decision.wanted);
  if (*decision.stabilised != *decision.wanted) text += ", " + describe_window(spec, flags, step);
  if (limited != nullptr && limited->status) text += ", " + describe_limit(spec, *limited);
  const auto* able = step.conditions.find("AbleToScale");
  text += fmt::format(" [{}, {}]", able == nullptr ? "" : able->reason,
                      limited == nullptr ? "" : limited->reason);
  return text;
}

}  // namespace fluxmetrics::explain
