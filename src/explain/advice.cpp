#include "explain/advice.hpp"

#include <algorithm>
#include <fmt/ranges.h>

#include "base/plural.hpp"
#include "base/text.hpp"
#include "explain/cluster_advice.hpp"
#include "explain/metric_advice.hpp"
#include "explain/own_metrics.hpp"

namespace fluxmetrics::explain {
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
    for (const auto& field : input_.repeated_fields)
      check_repeated(field);
    check_zero();
    std::ranges::move(find_metric_faults(input_), std::back_inserter(found_));
    check_scale();
    check_beside();
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
      return "minReplicas is 0: a MiniCluster cannot have size 0; its operator leaves all pods in place "
             "while "
             "the HPA assumes that they are gone; the smallest size is 1";
    }
    const auto& platform = input_.forecast.platform;
    if (!platform.gates.scale_to_zero) {
      return fmt::format(
          "minReplicas is 0: Kubernetes {} accepts that only with the feature gate HPAScaleToZero, which is "
          "on by default since 1.37",
          to_string(platform.version));
    }
    return "minReplicas is 0: the HPA scales up only from a 0 that it set itself, as recorded in its status; "
           "a size of 0 that was set by hand, or that a new HPA finds, stays until it is set to 1";
  }

  // kubectl makes JSON of a file's YAML, in which the first of two is lost; JSON itself may be sent as it is.
  void check_repeated(const RepeatedField& field) {
    const auto name = printable(field.name);
    add("repeated-field", field.in_json ? Severity::fault : Severity::warning,
        fmt::format("{} appears twice: kubectl silently uses the last one{}", name,
                    field.in_json
                        ? ", and a strict reader refuses the file (yaml: unmarshal errors: key already "
                          "set in map)"
                        : ""));
  }

  void check_zero() {
    if (spec_.min == 0) add("min-zero", Severity::warning, zero_text());
    if (!input_.min_size || spec_.min < 1 || spec_.min >= *input_.min_size) return;
    add("min-below-minsize", Severity::warning,
        fmt::format("minReplicas {} is below the MiniCluster's minSize {}: its operator silently ignores a "
                    "smaller size, so the HPA and spec.size show a size that the pods do not have",
                    spec_.min, *input_.min_size));
  }

  // kubectl apply sets the size of the target's own manifest each time, whatever the HPA has made of it.
  void check_beside() {
    if (!input_.beside) return;
    const bool minicluster = targets_minicluster(spec_);
    add("replicas-beside-hpa", minicluster ? Severity::note : Severity::warning,
        fmt::format("the {} in the same file has {} {}: each kubectl apply of it sets that size again{}",
                    spec_.target.kind, input_.beside->field, input_.beside->size,
                    minicluster ? "" : "; leave the field out"));
  }

  // What a size is counted in.
  [[nodiscard]] std::string_view units() const { return targets_minicluster(spec_) ? "nodes" : "replicas"; }

  void check_scale() {
    if (!seen_.rivals.empty()) {
      add("ambiguous-selector", Severity::fault,
          fmt::format("the pods of {} also belong to the HPA {}: the controller acts on none of them "
                      "[AmbiguousSelector]; keep one, or give the targets selectors that share no pod",
                      seen_.selector, fmt::join(seen_.rivals, " and ")));
      found_.back().elsewhere = true;
    }
    if (input_.max_size && spec_.max > *input_.max_size) {
      add("max-above-maxsize", Severity::fault,
          fmt::format("maxReplicas {} is above the MiniCluster's maxSize {}: its operator silently ignores a "
                      "larger size, so the HPA and spec.size show pods that are never created",
                      spec_.max, *input_.max_size));
    }
    if (input_.maximum_size && spec_.max > *input_.maximum_size &&
        input_.max_size.value_or(spec_.max) > *input_.maximum_size) {
      add("max-above-maximumsize", Severity::fault,
          fmt::format(
              "maxReplicas {} is above status.maximumSize {}, the largest size since the MiniCluster was "
              "created: its operator sets a larger size back to {}, and the HPA sets it again at every "
              "sync; a larger maxSize needs a new MiniCluster",
              spec_.max, *input_.maximum_size, *input_.maximum_size));
    }
    check_ignored_size();
    const bool averages = std::ranges::any_of(spec_.metrics, [](const hpa::HpaMetric& metric) {
      return metric.target.average_value &&
             (metric.source == hpa::MetricSource::object || metric.source == hpa::MetricSource::external);
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
                      "the old size{}",
                      counted(seen_.status_replicas, "replica"), seen_.spec_replicas, seen_.status_replicas,
                      targets_minicluster(spec_)
                          ? "; a MiniCluster's operator does not repeat a write of the "
                            "status that failed, so it may stay so until the next resize"
                          : ""));
    }
  }

  // 0 is another matter: the HPA does nothing then.
  void check_ignored_size() {
    if (!input_.cluster || !targets_minicluster(spec_) || seen_.spec_replicas < 1) return;
    const auto size = seen_.spec_replicas;
    const bool above = input_.max_size && size > *input_.max_size;
    const bool below = input_.min_size && size < *input_.min_size;
    if (!above && !below) return;
    add("size-ignored", Severity::fault,
        fmt::format("the size is {}, {} the MiniCluster's {} {}: its operator ignores it, and {} on until "
                    "another size is set, of {}{}",
                    size, above ? "above" : "below", above ? "maxSize" : "minSize",
                    above ? *input_.max_size : *input_.min_size,
                    seen_.pods_listed == 1 ? "1 pod runs" : fmt::format("{} pods run", seen_.pods_listed),
                    std::max(input_.min_size.value_or(1), 1),
                    input_.max_size ? fmt::format(" to {}", *input_.max_size) : " or more"));
  }

  void check_tolerance() {
    const auto& platform = input_.forecast.platform;
    const bool own = spec_.behavior && (spec_.behavior->up.tolerance || spec_.behavior->down.tolerance);
    if (own && !platform.gates.configurable_tolerance) {
      add("tolerance-version", Severity::warning,
          fmt::format("tolerance has no effect on Kubernetes {}, whose API server silently drops it: 1.35 is "
                      "the first version that supports it; the controller's own {:.3g} % applies",
                      to_string(platform.version), input_.forecast.flags.tolerance * 100));
    }
    const auto tolerances = hpa::tolerances_of(spec_, input_.forecast.flags, input_.forecast.platform);
    for (const auto& metric : spec_.metrics) {
      if (!of_an_object(metric) || !metric.target.average_value) continue;
      for (std::int32_t size = spec_.min; size < spec_.max && size < 1'000'000; ++size) {
        if (!tolerances.within((size + 1.0) / size)) continue;
        add("tolerance", metric.name == wanted ? Severity::fault : Severity::warning,
            fmt::format("the tolerance of {:.3g} % swallows single {}: {} -> {} never happens; {}",
                        tolerances.up * 100, units(), size, size + 1,
                        platform.gates.configurable_tolerance
                            ? "set tolerance \"0\" in scaleUp and scaleDown (Kubernetes 1.35 and later)"
                            : "from Kubernetes 1.35 on an HPA can set tolerance \"0\" in scaleUp and "
                              "scaleDown; before that, only --horizontal-pod-autoscaler-tolerance of the "
                              "controller manager changes it"));
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
    const auto up = hpa::time_between(plain, spec_.min, spec_.max, period);
    if (spec_.behavior && spec_.behavior->up.select == hpa::PolicySelect::disabled) {
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
                          ? fmt::format("the policies of scaleUp allow no more; {{type: Pods, value: "
                                        "maxReplicas, periodSeconds: 15}} asks for all {} at once",
                                        units())
                          : "without a behavior, each sync at most doubles the size"));
    }
    if (!spec_.behavior) return;
    const auto down = hpa::time_between(plain, spec_.max, spec_.min, period);
    if (spec_.behavior->down.select == hpa::PolicySelect::disabled) {
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
                      "that time{}",
                      up, targets_minicluster(spec_) ? ", and jobs wait as long" : ""));
    }
    const bool follows = std::ranges::any_of(
        spec_.metrics, [](const hpa::HpaMetric& metric) { return metric.name == wanted; });
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
  const hpa::HpaSpec& spec_;
  const hpa::HpaObservation& seen_;
  std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> find_refusals(const hpa::HpaRefusal& refusal) {
  constexpr std::size_t longest = 2000;  // Kubernetes' own sentences are long
  std::vector<Finding> found;
  const auto add = [&](std::string id, std::string text, const kube::FieldError& error) {
    found.push_back({.id = std::move(id),
                     .severity = Severity::fault,
                     .text = std::move(text),
                     .field = error.field,
                     .reason = error.reason});
  };
  for (const auto& wrong : refusal.types)
    add("refused",
        fmt::format("the API server refuses it: {}{}", printable(wrong.error.text(), longest),
                    wrong.hint.empty() ? "" : fmt::format("; it {}", wrong.hint)),
        wrong.error);
  for (const auto& error : refusal.invalid)
    add("refused", fmt::format("the API server refuses it: {}", printable(error.text(), longest)), error);
  for (const auto& field : refusal.unknown) {
    const auto where = printable(field.where);
    const auto reason = fmt::format("unknown field \"{}\"", where);
    add("unknown-field",
        fmt::format("autoscaling/v2 has no {}{}: kubectl apply refuses it ({}), other clients drop it", where,
                    field.meant.empty() ? "" : fmt::format(" (did you mean {}?)", field.meant), reason),
        {.field = field.where, .reason = reason});
  }
  return found;
}

std::vector<Finding> find_faults(const AdviceInput& input) {
  return Advice(input).run();
}

}  // namespace fluxmetrics::explain
