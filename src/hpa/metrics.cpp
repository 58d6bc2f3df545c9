#include "hpa/metrics.hpp"

#include <cmath>
#include <limits>
#include <span>

#include "hpa/numbers.hpp"

namespace fluxmetrics::hpa {
namespace {

using Proposed = std::expected<MetricProposal, MetricFailure>;

// `inner` is what the condition shows, with `prefix` what the controller returns.
std::unexpected<MetricFailure> failure(std::string_view reason, const std::string& inner,
                                       const std::string& error) {
  return std::unexpected(MetricFailure{.reason = std::string(reason),
                                       .message = "the HPA was unable to compute the replica count: " + inner,
                                       .error = error});
}

std::string identity(const HpaMetric& metric) {
  return fmt::format("{}/{}/{}/{}/{}/{}/{}", metric.type, metric.name, metric.container,
                     metric.object.api_version, metric.object.kind, metric.object.name, metric.selector_text);
}

// What ready pods a Value target is multiplied with; a pod that is being deleted counts while it is ready.
Result<std::int64_t> ready_pods(const MetricContext& context) {
  if (!context.seen.pods) {
    if (context.seen.pods_listed > 0) return context.seen.pods_ready;
  } else if (!context.pods.empty()) {
    std::int64_t ready = 0;
    for (const auto& pod : context.pods)
      ready += pod.phase == "Running" && pod.ready == PodReady::yes ? 1 : 0;
    return ready;
  }
  return fail(Code::unavailable,
              "unable to calculate ready pods: no pods returned by selector while calculating replica count");
}

// Object and External with a Value target.
Result<MetricProposal> by_value(std::int64_t usage, std::int64_t target, const MetricContext& context) {
  MetricProposal proposal;
  proposal.ratio = static_cast<double>(usage) / static_cast<double>(target);
  proposal.status.value = usage;
  const auto current = context.seen.spec_replicas;
  if (current == 0) {
    proposal.replicas = to_int32(std::ceil(proposal.ratio));
    return proposal;
  }
  if (context.tolerances.within(proposal.ratio)) {
    proposal.within = true;
    proposal.replicas = current;
    return proposal;
  }
  const auto ready = ready_pods(context);
  if (!ready) return std::unexpected(ready.error());
  const double wanted = proposal.ratio * static_cast<double>(*ready);
  constexpr auto most = std::numeric_limits<std::int32_t>::max();
  const bool capped = context.platform.since(35);
  proposal.replicas = capped && wanted > most ? most : to_int32(std::ceil(wanted));
  return proposal;
}

// Object and External with an AverageValue target: it is the status that counts, and no pods.
MetricProposal by_average(std::int64_t usage, std::int64_t target, bool capped,
                          const MetricContext& context) {
  MetricProposal proposal;
  const double replicas = context.seen.status_replicas;
  proposal.ratio = static_cast<double>(usage) / (static_cast<double>(target) * replicas);
  proposal.replicas = context.seen.status_replicas;
  proposal.within = context.tolerances.within(proposal.ratio);
  if (!proposal.within) {
    const double wanted = std::ceil(static_cast<double>(usage) / static_cast<double>(target));
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    proposal.replicas = capped && wanted > most ? most : to_int32(wanted);
  }
  constexpr auto largest = std::numeric_limits<std::int64_t>::max();
  const bool overflown = capped && static_cast<double>(usage) >= static_cast<double>(largest);
  proposal.status.average_value =
      overflown ? largest : to_int64(std::ceil(static_cast<double>(usage) / replicas));
  return proposal;
}

Proposed propose_object(const HpaMetric& metric, const MetricContext& context) {
  constexpr std::string_view reason = "FailedGetObjectMetric";
  const auto& seen = context.seen;
  const bool value = metric.target.type == "Value" && metric.target.value;
  const bool average = metric.target.type == "AverageValue" && metric.target.average_value;
  if (!value && !average) {
    const std::string inner =
        "invalid object metric source: neither a value target nor an average value target was set";
    return failure(reason, inner, "failed to get object metric value: " + inner);
  }
  const auto* found = object_value(seen, metric);
  const auto& fault = metric_fault(seen, metric, seen.faults.object);
  if (found == nullptr || !fault.empty()) {
    const auto why = fault.empty() ? fmt::format("the server could not find the metric {} for {} {}",
                                                 metric.name, metric.object.kind, metric.object.name)
                                   : fault;
    const auto what = "unable to fetch metrics from custom metrics API: " + why;
    // Before 1.37 the error stands where the object's namespace belongs.
    const auto inner = context.platform.since(37)
                           ? fmt::format("unable to get metric {} on {} {}/{}: {}", metric.name,
                                         metric.object.kind, context.namespace_, metric.object.name, what)
                           : fmt::format("unable to get metric {}: {} on {} {}/{}", metric.name,
                                         metric.object.kind, context.namespace_, metric.object.name, what);
    return failure(reason, inner,
                   average
                       ? fmt::format("failed to get object metric value: failed to get {} object metric: {}",
                                     metric.name, inner)
                       : "failed to get object metric value: " + inner);
  }
  if (average) {
    auto proposal = by_average(*found, *metric.target.average_value, false, context);
    proposal.name = fmt::format("external metric {}({})", metric.name, metric.selector_text);
    return proposal;
  }
  auto proposal = by_value(*found, *metric.target.value, context);
  if (!proposal) {
    return failure(reason, proposal.error().message,
                   "failed to get object metric value: " + proposal.error().message);
  }
  proposal->name = fmt::format("{} metric {}", metric.object.kind, metric.name);
  return *proposal;
}

// A sum that overflows is the largest number; before 1.35 it wraps.
std::int64_t sum_for_value(std::span<const std::int64_t> values, const HpaPlatform& platform) {
  constexpr auto largest = std::numeric_limits<std::int64_t>::max();
  std::int64_t sum = 0;
  for (const auto value : values) {
    if (platform.since(35) && value > 0 && sum > largest - value) return largest;
    sum = wrap_add(sum, value);
  }
  return sum;
}

// A negative sum is taken for one that has overflown; before 1.34 it stays one.
std::int64_t sum_for_average(std::span<const std::int64_t> values, const HpaPlatform& platform) {
  std::int64_t sum = 0;
  for (const auto value : values) {
    sum = wrap_add(sum, value);
    if (platform.since(34) && sum < 0) return std::numeric_limits<std::int64_t>::max();
  }
  return sum;
}

Proposed propose_external(const HpaMetric& metric, const MetricContext& context) {
  constexpr std::string_view reason = "FailedGetExternalMetric";
  const auto& seen = context.seen;
  const auto prefix = fmt::format("failed to get {} external metric value: ", metric.name);
  const auto& target = metric.target;
  if (!target.average_value && !target.value) {
    const std::string inner =
        "invalid external metric source: neither a value target nor an average value target was set";
    return failure(reason, inner, prefix + inner);
  }
  const auto more = target.average_value ? fmt::format("failed to get {} external metric: ", metric.name)
                                         : fmt::format("failed to get external metric {}: ", metric.name);
  const auto found = seen.external.find(metric.name);
  const auto& fault = metric_fault(seen, metric, seen.faults.external);
  if (found == seen.external.end() || found->second.empty() || !fault.empty()) {
    const bool empty = fault.empty() && found != seen.external.end();
    const auto why =
        empty ? std::string("no metrics returned from external metrics API")
              : fmt::format(
                    "unable to fetch metrics from external metrics API: {}",
                    fault.empty() ? "the server could not find the external metric " + metric.name : fault);
    const auto inner = fmt::format("unable to get external metric {}/{}/{}: {}", context.namespace_,
                                   metric.name, metric.selector_text, why);
    return failure(reason, inner, prefix + more + inner);
  }
  if (target.average_value) {
    auto proposal = by_average(sum_for_average(found->second, context.platform), *target.average_value,
                               context.platform.since(34), context);
    proposal.name = fmt::format("external metric {}({})", metric.name, metric.selector_text);
    return proposal;
  }
  auto proposal = by_value(sum_for_value(found->second, context.platform), *target.value, context);
  if (!proposal) {
    return failure(reason, proposal.error().message, prefix + more + proposal.error().message);
  }
  proposal->name = fmt::format("external metric {}({})", metric.name, metric.selector_text);
  return *proposal;
}

// Without a list of pods, those that have a sample are taken to be all, and ready.
std::vector<HpaPod> pods_of_samples(const Samples& samples, std::int64_t listed) {
  std::vector<HpaPod> pods;
  for (const auto& [name, value] : samples) {
    if (std::cmp_equal(pods.size(), listed)) break;
    pods.push_back({.name = name,
                    .ready_since_ms = std::numeric_limits<std::int32_t>::min(),
                    .start_ms = std::numeric_limits<std::int32_t>::min()});
  }
  return pods;
}

Result<PodAnswer> ask_pods(Samples samples, PodTarget target, const MetricContext& context) {
  std::vector<HpaPod> stand_ins;
  if (!context.seen.pods) stand_ins = pods_of_samples(samples, context.seen.pods_listed);
  return propose_by_pods({.samples = std::move(samples),
                          .pods = context.seen.pods ? std::span(context.pods) : std::span(stand_ins),
                          .target = std::move(target),
                          .current = context.seen.spec_replicas,
                          .tolerances = context.tolerances,
                          .now_ms = context.now_ms,
                          .sample_time_ms = context.seen.resource_time_ms,
                          .sample_window_ms = context.seen.resource_window_ms,
                          .flags = context.flags,
                          .platform = context.platform});
}

MetricProposal from_pods(const PodAnswer& answer, std::string name, const MetricContext& context) {
  MetricProposal proposal;
  proposal.replicas = answer.replicas;
  proposal.name = std::move(name);
  proposal.status.average_value = answer.average;
  proposal.status.utilization = answer.utilization;
  proposal.ratio = answer.ratio;
  proposal.within = context.tolerances.within(answer.ratio);
  return proposal;
}

Proposed propose_pods(const HpaMetric& metric, const MetricContext& context) {
  constexpr std::string_view reason = "FailedGetPodsMetric";
  const auto refuse = [&](const std::string& inner) {
    return failure(reason, inner, "failed to get pods metric value: " + inner);
  };
  const auto found = context.seen.pod_metrics.find(metric.name);
  Samples samples;
  if (found != context.seen.pod_metrics.end()) {
    for (const auto& [pod, value] : found->second) {
      if (value) samples[pod] = *value;
    }
  }
  const auto& fault = metric_fault(context.seen, metric, context.seen.faults.pods);
  if (samples.empty() || !fault.empty()) {
    const bool empty = fault.empty() && found != context.seen.pod_metrics.end();
    return refuse(fmt::format(
        "unable to get metric {}: {}", metric.name,
        empty ? "no metrics returned from custom metrics API"
              : "unable to fetch metrics from custom metrics API: " +
                    (fault.empty()
                         ? fmt::format("the server could not find the metric {} for pods", metric.name)
                         : fault)));
  }
  if (!metric.target.average_value) return refuse("invalid pods metric source: no average value target");
  const auto answer = ask_pods(std::move(samples), {.value = *metric.target.average_value}, context);
  if (!answer) return refuse(answer.error().message);
  return from_pods(*answer, "pods metric " + metric.name, context);
}

// The usage of whole pods, or of one container of each; a pod without the number has no sample.
Result<Samples> usage_samples(const HpaMetric& metric, const HpaObservation& seen) {
  const auto& fault = metric_fault(seen, metric, seen.faults.resource);
  if (!seen.resource || !fault.empty()) {
    return fail(
        Code::unavailable,
        "unable to get metrics for resource {}: unable to fetch metrics from resource metrics API: {}",
        metric.name, fault.empty() ? "the server has none" : fault);
  }
  if (seen.resource->empty()) {
    return fail(Code::unavailable,
                "unable to get metrics for resource {}: no metrics returned from resource metrics API",
                metric.name);
  }
  Samples samples;
  for (const auto& [pod, containers] : *seen.resource) {
    bool complete = false;
    std::int64_t sum = 0;
    for (const auto& [container, usage] : containers) {
      if (!metric.container.empty() && container != metric.container) continue;
      const auto found = usage.find(metric.name);
      complete = found != usage.end();
      if (!complete) break;
      sum = wrap_add(sum, found->second);
    }
    if (complete) samples[pod] = sum;
  }
  return samples;
}

Proposed propose_resource(const HpaMetric& metric, const MetricContext& context) {
  const bool container = metric.source == MetricSource::container_resource;
  const auto refuse = [&](const std::string& inner) {
    return failure(container ? "FailedGetContainerResourceMetric" : "FailedGetResourceMetric", inner,
                   container
                       ? fmt::format("failed to get {} container metric value: {}", metric.container, inner)
                       : fmt::format("failed to get {} resource metric value: {}", metric.name, inner));
  };
  const auto& target = metric.target;
  if (!target.average_value && !target.average_utilization) {
    return refuse(
        "invalid resource metric source: neither an average utilization target nor an average value (usage) "
        "target was set");
  }
  const auto what =
      fmt::format("failed to get {} {}: ", metric.name, target.average_value ? "usage" : "utilization");
  auto samples = usage_samples(metric, context.seen);
  if (!samples) return refuse(what + samples.error().message);
  PodTarget pod_target{.resource = metric.name, .container = metric.container};
  if (target.average_value) {
    pod_target.value = *target.average_value;
  } else {
    pod_target.percent = target.average_utilization;
  }
  const auto answer = ask_pods(std::move(*samples), std::move(pod_target), context);
  if (!answer) return refuse(what + answer.error().message);
  const auto name = target.average_value ? fmt::format("{} resource", metric.name)
                                         : fmt::format("{}{} resource utilization (percentage of request)",
                                                       metric.name, container ? " container" : "");
  return from_pods(*answer, name, context);
}

Proposed propose_any(const HpaMetric& metric, const MetricContext& context) {
  switch (metric.source) {
    case MetricSource::object:
      return propose_object(metric, context);
    case MetricSource::external:
      return propose_external(metric, context);
    case MetricSource::pods:
      return propose_pods(metric, context);
    case MetricSource::resource:
    case MetricSource::container_resource:
      return propose_resource(metric, context);
    case MetricSource::unknown:
      break;
  }
  const auto inner = fmt::format("unknown metric source type \"{}\"", metric.type);
  return failure("InvalidMetricSourceType", inner, inner);
}

}  // namespace

Tolerances tolerances_of(const HpaSpec& spec, const HpaFlags& flags, const HpaPlatform& platform) {
  Tolerances tolerances{.down = flags.tolerance, .up = flags.tolerance, .as_distance = !platform.since(33)};
  if (!spec.behavior || !platform.gates.configurable_tolerance) return tolerances;
  tolerances.down = spec.behavior->down.tolerance.value_or(tolerances.down);
  tolerances.up = spec.behavior->up.tolerance.value_or(tolerances.up);
  return tolerances;
}

std::expected<MetricProposal, MetricFailure> propose(const HpaMetric& metric, const MetricContext& context) {
  auto proposal = propose_any(metric, context);
  if (proposal) proposal->status.metric = identity(metric);
  return proposal;
}

}  // namespace fluxmetrics::hpa
