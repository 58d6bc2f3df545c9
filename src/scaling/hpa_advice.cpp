#include "scaling/hpa_advice.hpp"

#include <algorithm>
#include <cmath>

#include "base/plural.hpp"
#include "base/text.hpp"
#include "kube/quantity.hpp"
#include "scaling/hpa_cluster_advice.hpp"
#include "scaling/hpa_numbers.hpp"

namespace fluxmetrics::scaling {
namespace {

constexpr auto wanted = wanted_metric;

std::string seconds(std::int64_t ms) {
  return ms < 120'000 ? fmt::format("{} s", ms / 1000)
                      : fmt::format("{:.3g} min", static_cast<double>(ms) / 60'000);
}

class Advice {
 public:
  explicit Advice(const AdviceInput& input)
      : input_(input), spec_(input.forecast.spec), seen_(input.forecast.seen) {}

  std::vector<Finding> run() {
    std::ranges::move(find_refusals(input_.refusal), std::back_inserter(found_));
    for (const auto& field : input_.repeated_fields) {
      add("repeated-field", Severity::fault,
          fmt::format("{} stands twice: the last one holds for kubectl, and a strict reader refuses the file "
                      "(yaml: unmarshal errors: key already set in map)",
                      printable(field)));
    }
    check_zero();
    check_metrics();
    check_scale();
    check_feedback();
    check_growth();
    if (spec_.max >= spec_.min && spec_.min > 0) {
      check_tolerance();
      check_rates();
    }
    check_windows();
    std::ranges::move(find_cluster_faults(input_), std::back_inserter(found_));
    std::ranges::stable_sort(found_, std::greater{}, &Finding::severity);
    return std::move(found_);
  }

 private:
  void add(std::string id, Severity severity, std::string text) {
    found_.push_back({.id = std::move(id), .severity = severity, .text = std::move(text)});
  }

  [[nodiscard]] std::string zero_text() const {
    if (targets_minicluster(spec_)) {
      return "minReplicas is 0: a MiniCluster has no size 0, its operator leaves all pods as they are while "
             "the HPA takes them for gone; the smallest size is 1";
    }
    const auto& platform = input_.forecast.platform;
    if (!platform.gates.scale_to_zero) {
      return fmt::format(
          "minReplicas is 0: Kubernetes {} takes that only with the feature gate HPAScaleToZero, which is on "
          "by default from 1.37 on",
          to_string(platform.version));
    }
    return "minReplicas is 0: the HPA wakes its target only from a 0 that it set itself, which its status "
           "remembers; a size of 0 that was set by hand, or that a new HPA finds, stays until it is set to 1";
  }

  void check_zero() {
    if (spec_.min == 0) add("min-zero", Severity::warning, zero_text());
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
                "the API server takes the selector of {}, but the controller cannot use it and fails at "
                "every sync: {}",
                metric.name, metric.selector_fault));
      }
      if (falls_when_jobs_start(metric)) {
        add("falls-when-jobs-start", Severity::fault,
            fmt::format(
                "{} counts what waits: it falls when jobs start, and the HPA takes away the nodes that "
                "they run on; follow {} instead",
                metric.name, wanted));
      }
      if (objects && metric.name == wanted && !metric.target.average_value && metric.target.value) {
        add("wanted-by-value", Severity::fault,
            fmt::format(
                "{} is the size itself, and a Value target multiplies it with the number of ready pods: use "
                "type AverageValue with averageValue \"1\"",
                wanted));
      }
      if (objects && metric.name == wanted && metric.target.average_value &&
          *metric.target.average_value != 1000) {
        add("wanted-not-one", Severity::warning,
            fmt::format("{} is the size itself: with averageValue {} the HPA asks for another one; use \"1\"",
                        wanted, kube::format_milli(*metric.target.average_value)));
      }
      const bool resource =
          metric.source == MetricSource::resource || metric.source == MetricSource::container_resource;
      if (resource && targets_minicluster(spec_)) {
        add("not-the-queue", Severity::warning,
            fmt::format("{} does not see jobs that wait: while a job that is wider than the present size is "
                        "first in the "
                        "queue nothing runs, {} is low, and the size stays or falls; follow {} instead",
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
  [[nodiscard]] bool is_within(const HpaMetric& metric) const {
    const auto& forecast = input_.forecast;
    const auto value = value_of(metric);
    return value && *metric.target.value > 0 &&
           tolerances_of(spec_, forecast.flags, forecast.platform)
               .within(static_cast<double>(*value) / static_cast<double>(*metric.target.value));
  }

  // What an Object or External metric is now, in thousandths; nullopt: not known.
  [[nodiscard]] std::optional<std::int64_t> value_of(const HpaMetric& metric) const {
    if (metric.source == MetricSource::object) {
      const auto* found = object_value(seen_, metric);
      return found == nullptr ? std::nullopt : std::optional(*found);
    }
    const auto external = seen_.external.find(metric.name);
    if (metric.source != MetricSource::external || external == seen_.external.end()) return std::nullopt;
    std::int64_t sum = 0;
    for (const auto part : external->second)
      sum = wrap_add(sum, part);
    return sum;
  }

  void check_readiness(const HpaMetric& metric, bool objects) {
    if (!objects || metric.target.average_value || !metric.target.value) return;
    // A selector that cannot be used lists none, and is the fault then.
    if (seen_.selector.empty()) return;
    if (seen_.pods_ready < seen_.spec_replicas) {
      const bool none = seen_.pods_ready == 0;
      add("pods-not-ready", none && !is_within(metric) ? Severity::fault : Severity::warning,
          fmt::format(
              "{} of {} {} ready, and the Value target of {} multiplies with the ready ones only: {}",
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
              "the Value target of {} multiplies with the ready pods: while new pods start, it proposes too "
              "few, and without a ready pod it goes to the minimum",
              metric.name));
    }
  }

  void check_scale() {
    if (!seen_.rivals.empty()) {
      add("ambiguous-selector", Severity::fault,
          fmt::format("the pods of {} are those of the HPA {} too: the controller scales by none of them "
                      "[AmbiguousSelector]; keep one, or give the targets selectors that share no pod",
                      seen_.selector, fmt::join(seen_.rivals, " and ")));
      found_.back().elsewhere = true;
    }
    if (input_.max_size && spec_.max > *input_.max_size) {
      add("max-above-maxsize", Severity::fault,
          fmt::format(
              "maxReplicas {} is above the MiniCluster's maxSize {}: its operator ignores a larger size "
              "without a word, and the HPA and spec.size show pods that never come",
              spec_.max, *input_.max_size));
    }
    const bool averages = std::ranges::any_of(spec_.metrics, [](const HpaMetric& metric) {
      return metric.target.average_value &&
             (metric.source == MetricSource::object || metric.source == MetricSource::external);
    });
    if (seen_.status_replicas == 0 && seen_.spec_replicas > 0) {
      add("status-zero", averages ? Severity::warning : Severity::note,
          averages
              ? "status.size is 0, as it is until a MiniCluster's first resize: the HPA divides by it, shows "
                "-9223372036854775808m and applies no tolerance; the proposal is right"
              : "status.size is 0, as it is until a MiniCluster's first resize; this HPA does not look at "
                "it");
    } else if (averages && seen_.status_replicas != seen_.spec_replicas) {
      add("status-lags", Severity::warning,
          fmt::format("the status says {}, the spec {}: within the tolerance the HPA proposes {}, "
                      "the old size",
                      counted(seen_.status_replicas, "replica"), seen_.spec_replicas, seen_.status_replicas));
    }
  }

  // A Value target multiplies the size by the ratio at every sync, however little is wanted.
  void check_growth() {
    const auto& forecast = input_.forecast;
    for (std::size_t i = 0; i < spec_.metrics.size(); ++i) {
      const auto& metric = spec_.metrics[i];
      if (!of_an_object(metric) || metric.target.average_value || forecast.follows_size) continue;
      const auto value = value_of(metric);
      if (!value) continue;
      auto at = forecast;
      const auto first = proposal_at(at, i, *value);
      if (!first || *first <= at.seen.spec_replicas || *first >= spec_.max) continue;
      at.seen.spec_replicas = at.seen.status_replicas = *first;
      at.seen.pods_listed = at.seen.pods_ready = *first;
      at.seen.pods.reset();
      const auto second = proposal_at(at, i, *value);
      if (!second || *second <= *first) continue;
      add("grows-at-every-sync", Severity::fault,
          fmt::format(
              "the Value target of {} multiplies: from {} it proposes {}, from {} then {}, and so on up to "
              "maxReplicas {}, as long as the metric stays above its target; with AverageValue the metric "
              "names the size itself",
              metric.name, forecast.seen.spec_replicas, *first, *first, *second, spec_.max));
    }
  }

  // A metric that is the size itself, seen at each size: where does it lead?
  void check_feedback() {
    for (std::size_t i = 0; i < spec_.metrics.size(); ++i) {
      const auto& metric = spec_.metrics[i];
      if (!counts_own_size(metric) || spec_.metrics.size() > 1) continue;
      add("feedback", Severity::fault,
          fmt::format("{} grows with the size that this HPA sets: it measures the HPA's own output, not work "
                      "that waits; "
                      "follow {} instead",
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
      const auto next = proposal_at(at, index, wrap_multiply(*each, size));
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
    const auto* found = object_value(seen_, metric);
    if (found == nullptr || seen_.spec_replicas < 1) return std::nullopt;
    return *found / seen_.spec_replicas;
  }

  void check_tolerance() {
    const auto& platform = input_.forecast.platform;
    const bool own = spec_.behavior && (spec_.behavior->up.tolerance || spec_.behavior->down.tolerance);
    if (own && !platform.gates.configurable_tolerance) {
      add("tolerance-version", Severity::warning,
          fmt::format(
              "tolerance has no effect on Kubernetes {}, whose API server drops it without a word: 1.35 is "
              "the first that heeds it, and the controller's own {:.3g} % hold",
              to_string(platform.version), input_.forecast.flags.tolerance * 100));
    }
    const auto tolerances = tolerances_of(spec_, input_.forecast.flags, input_.forecast.platform);
    for (const auto& metric : spec_.metrics) {
      const bool objects = metric.source == MetricSource::object || metric.source == MetricSource::external;
      if (!objects || !metric.target.average_value) continue;
      for (std::int32_t size = spec_.min; size < spec_.max && size < 1'000'000; ++size) {
        if (!tolerances.within((size + 1.0) / size)) continue;
        add("tolerance", metric.name == wanted ? Severity::fault : Severity::warning,
            fmt::format(
                "the tolerance of {:.3g} % swallows single nodes: {} -> {} never happens; {}",
                tolerances.up * 100, size, size + 1,
                platform.gates.configurable_tolerance
                    ? "set tolerance \"0\" in scaleUp and scaleDown (Kubernetes 1.35 and later)"
                    : "an HPA may set tolerance \"0\" in scaleUp and scaleDown from Kubernetes 1.35 on, "
                      "before only --horizontal-pod-autoscaler-tolerance of the controller manager "
                      "changes it"));
        return;
      }
    }
  }

  void check_rates() {
    if (spec_.max == spec_.min) return;
    constexpr std::int64_t patient_ms = 60'000;
    const auto period = input_.forecast.period_ms;
    auto plain = spec_;  // the windows are another matter
    if (plain.behavior) {
      plain.behavior->up.window_seconds = 0;
      plain.behavior->down.window_seconds = 0;
    }
    const auto up = time_between(plain, spec_.min, spec_.max, period);
    if (spec_.behavior && spec_.behavior->up.select == PolicySelect::disabled) {
      add("cannot-reach-max", Severity::fault,
          fmt::format(
              "selectPolicy of scaleUp is Disabled: whatever the metrics say, the HPA never sets a larger "
              "size, except for one below minReplicas {}",
              spec_.min));
    } else if (!up) {
      add("cannot-reach-max", Severity::fault,
          fmt::format("the policies of scaleUp never lead from {} to {}", spec_.min, spec_.max));
    } else if (*up > patient_ms) {
      add("slow-up", Severity::warning,
          fmt::format("the way from {} to {} takes {}: {}", spec_.min, spec_.max, seconds(*up),
                      spec_.behavior
                          ? "the policies of scaleUp allow no more; {type: Pods, value: maxReplicas, "
                            "periodSeconds: 15} asks for all nodes at once"
                          : "without a behavior, each sync at most doubles the size"));
    }
    if (!spec_.behavior) return;
    const auto down = time_between(plain, spec_.max, spec_.min, period);
    if (spec_.behavior->down.select == PolicySelect::disabled) {
      add("cannot-reach-min", Severity::warning,
          fmt::format(
              "selectPolicy of scaleDown is Disabled: whatever the metrics say, the HPA never sets a smaller "
              "size, except for one above maxReplicas {}",
              spec_.max));
    } else if (!down) {
      add("cannot-reach-min", Severity::warning,
          fmt::format("the policies of scaleDown never lead from {} to {}", spec_.max, spec_.min));
    } else if (*down > patient_ms) {
      add("slow-down", Severity::note,
          fmt::format("the way from {} to {} takes {} by the policies of scaleDown", spec_.max, spec_.min,
                      seconds(*down)));
    }
  }

  void check_windows() {
    const auto up = spec_.behavior ? spec_.behavior->up.window_seconds.value_or(0) : 0;
    if (up > 0) {
      add("up-window", Severity::warning,
          fmt::format("scaleUp waits {} s: a larger size is set only after it was asked for during all of "
                      "that time, and "
                      "jobs wait as long",
                      up));
    }
    const bool follows =
        std::ranges::any_of(spec_.metrics, [](const HpaMetric& metric) { return metric.name == wanted; });
    const std::int64_t down = spec_.behavior && spec_.behavior->down.window_seconds
                                  ? *spec_.behavior->down.window_seconds
                                  : input_.forecast.flags.downscale_window_ms / 1000;
    if (down > 0) {
      add("down-window", Severity::note,
          fmt::format(
              "scaleDown waits {} s{}{}", down,
              spec_.behavior && spec_.behavior->down.window_seconds
                  ? ""
                  : ", the default of the controller (--horizontal-pod-autoscaler-downscale-stabilization)",
              follows ? fmt::format("; {} holds a smaller size back by itself (--hold)", wanted) : ""));
    }
    if (up > 0 || down > 0) {
      add("restart", Severity::note,
          "a controller that starts, or is led by another process, keeps the size that it finds for these "
          "windows");
    }
  }

  const AdviceInput& input_;
  const HpaSpec& spec_;
  const HpaObservation& seen_;
  std::vector<Finding> found_;
};

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::fault:
      return "fault";
    case Severity::warning:
      return "warning";
    case Severity::note:
      break;
  }
  return "note";
}

std::vector<Finding> find_refusals(const HpaRefusal& refusal) {
  std::vector<Finding> found;
  const auto add = [&](std::string id, std::string text) {
    found.push_back({.id = std::move(id), .severity = Severity::fault, .text = std::move(text)});
  };
  for (const auto& wrong : refusal.types)
    add("refused", fmt::format("the API server refuses it: {}{}", printable(wrong.error.text(), 400),
                               wrong.hint.empty() ? "" : fmt::format("; it {}", wrong.hint)));
  for (const auto& error : refusal.invalid)
    add("refused", fmt::format("the API server refuses it: {}", printable(error.text(), 400)));
  for (const auto& field : refusal.unknown) {
    add("unknown-field",
        fmt::format(
            "autoscaling/v2 has no {}{}: kubectl apply refuses it (unknown field \"{}\"), other clients "
            "leave it out",
            printable(field.where),
            field.meant.empty() ? "" : fmt::format(" (did you mean {}?)", field.meant),
            printable(field.where)));
  }
  return found;
}

bool targets_minicluster(const HpaSpec& spec) {
  return spec.target.kind == "MiniCluster";
}

std::vector<Finding> find_faults(const AdviceInput& input) {
  return Advice(input).run();
}

}  // namespace fluxmetrics::scaling
