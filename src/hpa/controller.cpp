#include "hpa/controller.hpp"

#include <algorithm>
#include <cmath>

#include "hpa/numbers.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::hpa {
namespace {

constexpr std::string_view able = "AbleToScale";
constexpr std::string_view active = "ScalingActive";
constexpr std::string_view limited = "ScalingLimited";
constexpr std::string_view zeroed = "ScaledToZero";

// A conflict is tried again so often in all.
constexpr std::int32_t update_attempts = 5;

bool has_object_or_external(const HpaSpec& spec) {
  return std::ranges::any_of(spec.metrics, [](const HpaMetric& metric) {
    return metric.source == MetricSource::object || metric.source == MetricSource::external;
  });
}

struct Limit {
  std::int32_t replicas = 0;
  std::string_view reason = "DesiredWithinRange";
  std::string_view message = "the desired count is within the acceptable range";
};

constexpr std::string_view too_fast_up =
    "the desired replica count is increasing faster than the maximum scale rate";
constexpr std::string_view too_fast_down =
    "the desired replica count is decreasing faster than the maximum scale rate";
constexpr std::string_view too_many = "the desired replica count is more than the maximum replica count";
constexpr std::string_view too_few = "the desired replica count is less than the minimum replica count";

// One sync. The status is worked on in a copy, which is kept only if it can be written.
class Sync {
 public:
  Sync(const HpaSpec& spec, const HpaObservation& seen, std::int64_t now_ms, const HpaFlags& flags,
       const HpaPlatform& platform, const HpaName& name, std::int64_t generation, HpaHistory& history,
       HpaStatus& stored)
      : spec_(spec),
        seen_(seen),
        now_(now_ms),
        flags_(flags),
        platform_(platform),
        gates_(platform.gates),
        name_(name),
        generation_(generation),
        history_(history),
        stored_(stored),
        status_(stored),
        current_(seen.spec_replicas) {
    decision_.replicas = current_;
  }

  HpaDecision run() {
    if (const auto why = why_no_scale(); !why.empty()) {
      no_scale(why);
      return std::move(decision_);
    }
    set(able, true, "SucceededGetScale", "the HPA controller was able to get the target's current scale");
    history_.begin(current_, now_);
    bool rescale = true;
    if (current_ == 0 && !may_leave_zero()) {
      disabled();
      rescale = false;
    } else if (current_ != 0 && current_ > spec_.max) {
      clamp(HpaPath::above_max, spec_.max, "Current number of replicas above Spec.MaxReplicas");
    } else if (current_ != 0 && current_ < spec_.min) {
      clamp(HpaPath::below_min, spec_.min, "Current number of replicas below Spec.MinReplicas");
    } else {
      if (!compute()) return std::move(decision_);
      rescale = desired_ != current_;
    }
    if (rescale && !update_scale()) return std::move(decision_);
    if (!rescale) desired_ = current_;
    status_.desired_replicas = desired_;
    if (rescale) status_.last_scale_ms = now_;
    write_status(true);
    return std::move(decision_);
  }

 private:
  void set(std::string_view type, bool status, std::string_view reason, std::string message) {
    status_.conditions.set(type, status, reason, std::move(message), now_);
  }
  void event(bool warning, std::string_view reason, std::string message) {
    decision_.events.push_back(
        {.warning = warning, .reason = std::string(reason), .message = std::move(message)});
  }
  void fail_with(std::string error) { decision_.error = std::move(error); }

  // `last`: nothing else of the sync follows, so that a failure of the write is what it returns.
  void write_status(bool last) {
    if (last || decision_.path != HpaPath::no_scale) {
      status_.current_replicas = current_;
      status_.current_metrics = metric_statuses_;
      if (gates_.generation) status_.observed_generation = generation_;
    }
    if (status_ == stored_) return;
    const auto& fault = seen_.faults.update_status;
    if (fault.empty()) {
      stored_ = status_;
      return;
    }
    event(true, "FailedUpdateStatus", fault);
    if (last) fail_with(fmt::format("failed to update status for {}: {}", name_.name, fault));
  }

  // KIND/NAMESPACE/NAME of the target.
  [[nodiscard]] std::string reference() const {
    return fmt::format("{}/{}/{}", spec_.target.kind, name_.namespace_, spec_.target.name);
  }

  // An API version is VERSION or GROUP/VERSION.
  [[nodiscard]] bool has_bad_version() const { return std::ranges::count(spec_.target.api_version, '/') > 1; }
  // "" = the scale can be read.
  [[nodiscard]] std::string why_no_scale() const {
    if (has_bad_version()) return "unexpected GroupVersion string: " + spec_.target.api_version;
    return seen_.faults.get_scale;
  }

  void no_scale(const std::string& why) {
    decision_.path = HpaPath::no_scale;
    event(true, "FailedGetScale", why);
    set(able, false, "FailedGetScale",
        "the HPA controller was unable to get the target's current scale: " + why);
    write_status(false);
    fail_with(has_bad_version()
                  ? "invalid API version in scale target reference: " + why
                  : fmt::format("failed to query scale subresource for {}: {}", reference(), why));
  }

  // From zero only when this controller went there, or went there once and min was raised since. Before 1.36
  // nobody remembers who went there: it is minReplicas alone that decides.
  [[nodiscard]] bool may_leave_zero() const {
    if (!platform_.since(36)) return spec_.min == 0;
    if (!gates_.scale_to_zero || !status_.conditions.is_true(zeroed)) return false;
    return spec_.min != 0 || has_object_or_external(spec_);
  }

  void disabled() {
    decision_.path = HpaPath::disabled;
    set(active, false, "ScalingDisabled",
        "scaling is disabled since the replica count of the target is zero");
    if (!gates_.scale_to_zero) status_.conditions.remove(zeroed);
    decision_.desired = 0;
  }

  void clamp(HpaPath path, std::int32_t to, std::string_view reason) {
    decision_.path = path;
    desired_ = to;
    reason_ = reason;
    decision_.desired = to;
  }

  // False when the size must stay.
  bool compute() {
    const bool was_zeroed = gates_.scale_to_zero && status_.conditions.is_true(zeroed);
    if (!read_metrics()) {
      decision_.path = HpaPath::no_metric;
      const auto why = decision_.error;
      write_status(false);
      event(true, "FailedComputeMetricsReplicas", why);
      fail_with(fmt::format("failed to compute desired number of replicas based on listed metrics for {}: {}",
                            reference(), why));
      return false;
    }
    const auto wanted = std::max(0, *decision_.raw);
    decision_.wanted = wanted;
    if (wanted > current_) reason_ = fmt::format("{} above target", metric_);
    if (wanted < current_) reason_ = "All metrics below target";
    normalise(wanted);
    if (current_ == 0 && spec_.min != 0 && was_zeroed && desired_ < spec_.min) {
      desired_ = spec_.min;
      if (reason_.empty()) reason_ = "Current number of replicas below Spec.MinReplicas";
    }
    decision_.desired = desired_;
    return true;
  }

  // Those of the listed pods that the selector admits; nullopt when the selector cannot be used.
  std::optional<std::vector<HpaPod>> admitted_pods() {
    if (seen_.selector.empty()) {
      event(true, "SelectorRequired", "selector is required");
      set(active, false, "InvalidSelector", "the HPA target's scale is missing a selector");
      fail_with("selector is required");
      return std::nullopt;
    }
    const auto selector = kube::Selector::parse(seen_.selector);
    if (!selector) {
      const auto why = "couldn't convert selector into a corresponding internal selector object: " +
                       selector.error().message;
      event(true, "InvalidSelector", why);
      set(active, false, "InvalidSelector", why);
      fail_with(why);
      return std::nullopt;
    }
    if (!seen_.rivals.empty()) {
      const auto why = ambiguous();
      event(true, "AmbiguousSelector", why);
      set(active, false, "AmbiguousSelector", why);
      fail_with(why);
      return std::nullopt;
    }
    std::vector<HpaPod> pods;
    if (!seen_.pods) return pods;
    for (const auto& pod : *seen_.pods) {
      // A list without labels is one that was selected already.
      if (pod.labels.empty() || selector->matches(pod.labels)) pods.push_back(pod);
    }
    return pods;
  }

  // From 1.37 on the controller stops at two HPAs, which may be any of them.
  [[nodiscard]] std::string ambiguous() const {
    auto names = seen_.rivals;
    names.push_back(name_.name);
    std::ranges::sort(names);
    constexpr std::size_t most = 2;
    if (platform_.since(37)) names.resize(std::min(names.size(), most));
    for (auto& name : names)
      name = fmt::format("{}/{}", name_.namespace_, name);
    const auto list = fmt::format("[{}]", fmt::join(names, " "));
    return platform_.since(37)
               ? fmt::format("pods by selector {} are controlled by more than one HPA (e.g. {})",
                             seen_.selector, list)
               : fmt::format("pods by selector {} are controlled by multiple HPAs: {}", seen_.selector, list);
  }

  bool read_metrics() {
    const auto pods = admitted_pods();
    if (!pods) return false;
    const MetricContext context{.seen = seen_,
                                .pods = *pods,
                                .tolerances = tolerances_of(spec_, flags_, platform_),
                                .flags = flags_,
                                .platform = platform_,
                                .namespace_ = name_.namespace_,
                                .now_ms = now_};
    std::int32_t largest = 0;
    std::size_t failed = 0;
    const MetricFailure* first = nullptr;
    decision_.metrics.reserve(spec_.metrics.size());
    metric_statuses_.resize(spec_.metrics.size());
    for (std::size_t i = 0; i < spec_.metrics.size(); ++i) {
      const auto& proposal = decision_.metrics.emplace_back(propose(spec_.metrics[i], context));
      if (!proposal) {
        event(true, proposal.error().reason,
              proposal.error().message.substr(proposal.error().message.find(": ") + 2));
        if (failed++ == 0) first = &proposal.error();
        decision_.proposals.emplace_back();
        continue;
      }
      decision_.proposals.emplace_back(proposal->replicas);
      metric_statuses_[i] = proposal->status;
      // A proposal of 0 gives way to whatever comes next, even to less.
      if (largest == 0 || proposal->replicas > largest) {
        largest = proposal->replicas;
        metric_ = proposal->name;
      }
    }
    if (first != nullptr) {
      fail_with(fmt::format("invalid metrics ({} invalid out of {}), first error is: {}", failed,
                            spec_.metrics.size(), first->error));
    }
    if (failed >= spec_.metrics.size() || (failed > 0 && largest < current_)) {
      if (first != nullptr) set(active, false, first->reason, first->message);
      return false;
    }
    set(active, true, "ValidMetricFound",
        "the HPA was able to successfully calculate a replica count from " + metric_);
    decision_.raw = largest;
    if (largest <= 0) metric_.clear();
    return true;
  }

  void normalise(std::int32_t wanted) {
    const auto stabilised = spec_.behavior ? stabilise_both(wanted) : stabilise_down(wanted);
    decision_.stabilised = stabilised;
    const auto limit = spec_.behavior ? limit_by_rules(stabilised) : limit_by_size(stabilised);
    set(limited, limit.replicas != stabilised, limit.reason, std::string(limit.message));
    desired_ = limit.replicas;
  }

  void tell_stabilised(bool changed, bool up) {
    if (!changed) {
      set(able, true, "ReadyForNewScale", "recommended size matches current size");
    } else if (up) {
      set(able, true, "ScaleUpStabilized",
          "recent recommendations were lower than current one, applying the lowest recent recommendation");
    } else {
      set(able, true, "ScaleDownStabilized",
          "recent recommendations were higher than current one, applying the highest recent recommendation");
    }
  }

  std::int32_t stabilise_down(std::int32_t wanted) {
    const auto stabilised = history_.stabilise(wanted, flags_.downscale_window_ms, now_);
    tell_stabilised(stabilised != wanted, false);
    return stabilised;
  }

  std::int32_t stabilise_both(std::int32_t wanted) {
    constexpr std::int64_t ms = 1000;
    const auto& behavior = *spec_.behavior;
    // The flag counts in whole seconds here.
    const auto down = behavior.down.window_seconds ? *behavior.down.window_seconds * ms
                                                   : flags_.downscale_window_ms / ms * ms;
    const auto up = behavior.up.window_seconds.value_or(0) * ms;
    const auto stabilised = history_.stabilise(current_, wanted, {.up_ms = up, .down_ms = down}, now_);
    tell_stabilised(stabilised != wanted, wanted >= current_);
    return stabilised;
  }

  // Without a behavior: at most twice the size, or 4.
  [[nodiscard]] Limit limit_by_size(std::int32_t wanted) const {
    const auto fast = to_int32(std::max(2.0 * current_, 4.0));
    if (wanted < spec_.min) return {.replicas = spec_.min, .reason = "TooFewReplicas", .message = too_few};
    if (wanted <= std::min(spec_.max, fast)) return {.replicas = wanted};
    if (spec_.max > fast) return {.replicas = fast, .reason = "ScaleUpLimit", .message = too_fast_up};
    return {.replicas = spec_.max, .reason = "TooManyReplicas", .message = too_many};
  }

  [[nodiscard]] Limit limit_by_rules(std::int32_t wanted) const {
    if (wanted > current_) {
      const auto fast = std::max(current_, history_.up_limit(spec_.behavior->up, current_, now_));
      if (wanted <= std::min(spec_.max, fast)) return {.replicas = wanted};
      if (spec_.max > fast) return {.replicas = fast, .reason = "ScaleUpLimit", .message = too_fast_up};
      return {.replicas = spec_.max, .reason = "TooManyReplicas", .message = too_many};
    }
    if (wanted < current_) {
      const auto fast = std::min(current_, history_.down_limit(spec_.behavior->down, current_, now_));
      if (wanted >= std::max(spec_.min, fast)) return {.replicas = wanted};
      if (spec_.min < fast) return {.replicas = fast, .reason = "ScaleDownLimit", .message = too_fast_down};
      return {.replicas = spec_.min, .reason = "TooFewReplicas", .message = too_few};
    }
    return {.replicas = wanted};
  }

  // False when the scale subresource refused.
  bool update_scale() {
    const auto& faults = seen_.faults;
    // Before 1.34 nothing is tried again.
    const auto attempts = platform_.since(34) ? update_attempts : 1;
    std::string why = faults.conflicts >= attempts
                          ? "Operation cannot be fulfilled on the scale: the object has been modified"
                          : faults.update_scale;
    if (!why.empty()) {
      event(true, "FailedRescale",
            fmt::format("New size: {}; reason: {}; error: {}", desired_, reason_, why));
      set(able, false, "FailedUpdateScale",
          "the HPA controller was unable to update the target scale: " + why);
      write_status(false);
      fail_with(fmt::format("failed to rescale {}: {}", reference(), why));
      return false;
    }
    set(able, true, "SucceededRescale",
        fmt::format("the HPA controller was able to update the target scale to {}", desired_));
    event(false, "SuccessfulRescale", fmt::format("New size: {}; reason: {}", desired_, reason_));
    if (spec_.behavior) history_.record_scale(*spec_.behavior, current_, desired_, now_);
    tell_zero();
    decision_.replicas = desired_;
    return true;
  }

  void tell_zero() {
    if (!platform_.since(36)) return;  // there is no such condition
    if (!gates_.scale_to_zero) {
      status_.conditions.remove(zeroed);
    } else if (current_ > 0 && desired_ == 0 && spec_.min == 0 && has_object_or_external(spec_)) {
      set(zeroed, true, "ScaledToZero", "the HPA controller scaled the workload to zero");
    } else {
      set(zeroed, false, "NotScaledToZero", "the HPA controller did not scale the workload to zero");
    }
  }

  const HpaSpec& spec_;
  const HpaObservation& seen_;
  std::int64_t now_;
  const HpaFlags& flags_;
  const HpaPlatform& platform_;
  const HpaGates& gates_;
  const HpaName& name_;
  std::int64_t generation_;
  HpaHistory& history_;
  HpaStatus& stored_;
  HpaStatus status_;
  std::int32_t current_;
  std::int32_t desired_ = 0;
  std::string reason_;
  std::string metric_;
  std::vector<HpaMetricStatus> metric_statuses_;
  HpaDecision decision_;
};

}  // namespace

HpaDecision HpaController::sync(const HpaSpec& spec, const HpaObservation& seen, std::int64_t now_ms) {
  return Sync(spec, seen, now_ms, flags_, platform_, name_, generation_, history_, status_).run();
}

void HpaController::recreate() {
  history_.forget();
  status_ = {};
  generation_ = 1;
}

void HpaController::assume_scaled_to_zero(std::int64_t now_ms) {
  status_.conditions.set(zeroed, true, "ScaledToZero", "the HPA controller scaled the workload to zero",
                         now_ms);
}

}  // namespace fluxmetrics::hpa
