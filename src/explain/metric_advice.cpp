#include "explain/metric_advice.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/plural.hpp"
#include "base/text.hpp"
#include "explain/own_metrics.hpp"
#include "hpa/numbers.hpp"
#include "kube/quantity.hpp"

namespace fluxmetrics::explain {
namespace {

class MetricAdvice {
 public:
  explicit MetricAdvice(const AdviceInput& input)
      : input_(input), spec_(input.forecast.spec), seen_(input.forecast.seen) {}

  std::vector<Finding> run() {
    check_metrics();
    check_feedback();
    return std::move(found_);
  }

 private:
  static constexpr auto wanted = wanted_metric;

  void add(std::string id, Severity severity, std::string text) {
    found_.push_back({.id = std::move(id), .severity = severity, .text = std::move(text)});
  }

  void check_metrics() {
    for (const auto& [name, meant] : input_.unknown_metrics) {
      if (input_.cluster) break;  // its server has said so
      add("unknown-metric", Severity::fault,
          fmt::format("there is no metric {}{}: at every sync the metric fails and the HPA keeps its size; "
                      "flux-metrics-api get lists the metrics that exist",
                      printable(name), meant.empty() ? "" : fmt::format(" (did you mean {}?)", meant)));
    }
    for (const auto& metric : spec_.metrics) {
      const bool objects = of_an_object(metric);
      if (!metric.selector_fault.empty()) {
        add("bad-selector", Severity::fault,
            fmt::format(
                "the API server accepts the selector of {}, but the controller cannot use it and fails at "
                "every sync: {}",
                metric.name, metric.selector_fault));
      }
      if (falls_when_jobs_start(metric)) {
        add("falls-when-jobs-start", Severity::fault,
            fmt::format("{} counts waiting work: it falls when jobs start, and the HPA then removes the "
                        "nodes that they run on; use {} instead",
                        metric.name, wanted));
      }
      if (metric.source == hpa::MetricSource::object) check_number(metric);
      check_growth(metric);
      if (objects && metric.name == wanted && !metric.target.average_value && metric.target.value) {
        add("wanted-by-value", Severity::fault,
            fmt::format(
                "{} is the size itself, and a Value target multiplies it by the number of ready pods: use "
                "type AverageValue with averageValue \"1\"",
                wanted));
      }
      if (objects && metric.name == wanted && metric.target.average_value &&
          *metric.target.average_value != 1000) {
        add("wanted-not-one", Severity::warning,
            fmt::format(
                "{} is the size itself: with averageValue {} the HPA asks for a different size; use \"1\"",
                wanted, kube::format_milli(*metric.target.average_value)));
      }
      const bool resource = metric.source == hpa::MetricSource::resource ||
                            metric.source == hpa::MetricSource::container_resource;
      if (resource && targets_minicluster(spec_)) {
        add("not-the-queue", Severity::warning,
            fmt::format("{} does not see waiting jobs: while a job wider than the present size is first in "
                        "the queue, nothing runs, {} is low, and the size stays or falls; use {} instead",
                        metric.name, metric.name, wanted));
      }
      check_readiness(metric, objects);
    }
    if (spec_.metrics.size() > 1) {
      add("several-metrics", Severity::note,
          fmt::format(
              "{} metrics: the largest proposal wins, and while one of them fails the HPA does not shrink",
              spec_.metrics.size()));
    }
  }

  // The metric has a value now that the tolerance swallows.
  [[nodiscard]] bool is_within(const hpa::HpaMetric& metric) const {
    const auto& forecast = input_.forecast;
    const auto value = value_of(metric);
    return value && *metric.target.value > 0 &&
           hpa::tolerances_of(spec_, forecast.flags, forecast.platform)
               .within(static_cast<double>(*value) / static_cast<double>(*metric.target.value));
  }

  // What an Object or External metric is now, in thousandths; nullopt: not known.
  [[nodiscard]] std::optional<std::int64_t> value_of(const hpa::HpaMetric& metric) const {
    if (metric.source == hpa::MetricSource::object) {
      const auto* found = hpa::object_value(seen_, metric);
      return found == nullptr ? std::nullopt : std::optional(*found);
    }
    const auto external = seen_.external.find(metric.name);
    if (metric.source != hpa::MetricSource::external || external == seen_.external.end()) return std::nullopt;
    std::int64_t sum = 0;
    for (const auto part : external->second)
      sum = hpa::wrap_add(sum, part);
    return sum;
  }

  void check_readiness(const hpa::HpaMetric& metric, bool objects) {
    if (!objects || metric.target.average_value || !metric.target.value) return;
    // A selector that cannot be used lists none, and is the fault then.
    if (seen_.selector.empty()) return;
    if (seen_.pods_ready < seen_.spec_replicas) {
      const bool none = seen_.pods_ready == 0;
      add("pods-not-ready", none && !is_within(metric) ? Severity::fault : Severity::warning,
          fmt::format(
              "{} of {} {} ready, and the Value target of {} multiplies by the ready ones only: {}",
              seen_.pods_ready, counted(seen_.spec_replicas, "pod"), seen_.pods_ready == 1 ? "is" : "are",
              metric.name,
              !none ? "it proposes too few, unless the metric is within the tolerance of its target"
              : seen_.pods_listed == 0
                  ? "with no pod at all the metric fails, unless it is within the tolerance of its target"
                  : "it proposes 0, and the HPA goes to its minimum, unless the metric is within the "
                    "tolerance of its target"));
    } else {
      add("value-needs-ready-pods", Severity::note,
          fmt::format(
              "the Value target of {} multiplies by the ready pods: while new pods start, it proposes too "
              "few, and without a ready pod it goes to the minimum",
              metric.name));
    }
  }

  // The API server takes an Object metric with the number of another type; the controller does not.
  void check_number(const hpa::HpaMetric& metric) {
    const auto& target = metric.target;
    const bool average = target.type == "AverageValue";
    const bool fits = average ? target.average_value.has_value() : target.type == "Value" && target.value;
    if (fits) return;
    const std::string_view lack = average                  ? "but no averageValue"
                                  : target.type == "Value" ? "but no value"
                                                           : "which no Object metric can have";
    add("bad-target", Severity::fault,
        fmt::format("the target of {} has the type {} {}: the API server accepts it, but the metric fails at "
                    "every sync",
                    metric.name, target.type, lack));
  }

  // A Value target multiplies the size that there is: what stays above it proposes more at every sync.
  void check_growth(const hpa::HpaMetric& metric) {
    if (!of_an_object(metric) || metric.target.average_value || !metric.target.value) return;
    const auto value = value_of(metric);
    if (!value || *metric.target.value <= 0 || input_.forecast.follows_size || is_within(metric)) return;
    const auto ratio = static_cast<double>(*value) / static_cast<double>(*metric.target.value);
    if (ratio <= 1) return;
    std::string way;
    double size = std::max(seen_.spec_replicas, 1);
    for (int sync = 0; sync < 4; ++sync) {
      way += fmt::format("{}{:.0f}", way.empty() ? "" : " -> ", size);
      size = std::ceil(size * ratio);
    }
    add("grows-at-every-sync", Severity::fault,
        fmt::format(
            "the Value target of {} multiplies: while the metric stays at {:.4g} times its target, each sync "
            "asks for more ({} ...), and only maxReplicas {} ends it; with AverageValue the metric / the "
            "target is the size, whatever the size is",
            metric.name, ratio, way, spec_.max));
  }

  // A metric that is the size itself, seen at each size: where does it lead?
  void check_feedback() {
    for (std::size_t i = 0; i < spec_.metrics.size(); ++i) {
      const auto& metric = spec_.metrics[i];
      if (!counts_own_size(metric) || spec_.metrics.size() > 1) continue;
      add("feedback", Severity::fault,
          fmt::format("{} grows with the size that this HPA sets: it measures the HPA's own output, not "
                      "waiting work; use {} instead",
                      metric.name, wanted));
      check_steps(i);
    }
  }

  void check_steps(std::size_t index) {
    const auto each = own_value_of_a_replica(index);
    if (!each || spec_.max <= spec_.min) return;
    constexpr std::int32_t most = 200;
    bool any_up = false;
    bool first_up = false;
    std::string map;
    for (auto size = spec_.min; size <= std::min(spec_.max, spec_.min + most); ++size) {
      auto at = input_.forecast;
      at.seen.spec_replicas = at.seen.status_replicas = size;
      at.seen.pods_listed = at.seen.pods_ready = size;
      at.seen.pods.reset();
      const auto next = hpa::proposal_at(at, index, hpa::wrap_multiply(*each, size));
      if (!next) return;
      any_up = any_up || *next > size;
      if (size == spec_.min) first_up = *next > size;
      if (size - spec_.min < 8) map += fmt::format("{}{} -> {}", map.empty() ? "" : ", ", size, *next);
    }
    if (!any_up || !first_up) {
      add("cannot-scale-up", Severity::fault,
          fmt::format(
              "this HPA cannot scale up{}: with as many nodes up as it has replicas, the sizes lead to: {}",
              any_up ? fmt::format(" from {}", spec_.min) : "", map));
    }
  }

  // What one replica adds to the metric, in thousandths.
  [[nodiscard]] std::optional<std::int64_t> own_value_of_a_replica(std::size_t index) const {
    const auto& metric = spec_.metrics[index];
    if (metric.name == "node_up_count" || metric.name == "node_total_count") return 1000;
    const auto* found = hpa::object_value(seen_, metric);
    if (found == nullptr || seen_.spec_replicas < 1) return std::nullopt;
    return *found / seen_.spec_replicas;
  }

  const AdviceInput& input_;
  const hpa::HpaSpec& spec_;
  const hpa::HpaObservation& seen_;
  std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> find_metric_faults(const AdviceInput& input) {
  return MetricAdvice(input).run();
}

}  // namespace fluxmetrics::explain
