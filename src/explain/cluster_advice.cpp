#include "explain/cluster_advice.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <limits>

#include "base/plural.hpp"
#include "base/text.hpp"
#include "explain/own_metrics.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::explain {
namespace {

constexpr std::size_t longest_quote = 300;

class ClusterAdvice {
 public:
  explicit ClusterAdvice(const AdviceInput& input)
      : input_(input), spec_(input.forecast.spec), seen_(input.forecast.seen) {}

  std::vector<Finding> run() {
    check_owner();
    check_zero();
    check_requests();
    check_case();
    check_recent_scale();
    if (!input_.cluster) return std::move(found_);
    check_target(*input_.cluster);
    check_selector(*input_.cluster);
    for (const auto& outage : input_.cluster->outages)
      check_outage(outage);
    return std::move(found_);
  }

 private:
  // `elsewhere`: no other text of the HPA helps.
  void add(std::string id, Severity severity, bool elsewhere, std::string text) {
    found_.push_back(
        {.id = std::move(id), .severity = severity, .text = std::move(text), .elsewhere = elsewhere});
  }
  static std::string meant(std::string_view name, const std::vector<std::string>& names) {
    const auto near = nearest(name, names);
    return near.empty() || near == name ? "" : fmt::format("; did you mean {}?", near);
  }

  void check_owner() {
    const auto& owner = input_.forecast.past.scaled_object;
    if (owner.empty()) return;
    add("keda-owned", Severity::warning, true,
        fmt::format(
            "the ScaledObject {} of KEDA owns this HPA and reverts changes to it: change the ScaledObject",
            owner));
  }

  [[nodiscard]] std::string target_path() const {
    const auto& target = spec_.target;
    auto resource = input_.cluster ? input_.cluster->target_resource : std::string();
    if (resource.empty()) resource = lowered(target.kind);
    return fmt::format("{}/{}", resource, target.name);
  }

  // 0 replicas that the controller has not set itself: it waits for someone else to leave them.
  void check_zero() {
    if (input_.cluster && input_.cluster->target != TargetState::found) return;
    if (seen_.spec_replicas != 0) return;
    const auto steps = hpa::play_forward(input_.forecast, 0);
    if (steps.front().decision.path != hpa::HpaPath::disabled) return;
    // A MiniCluster's pods are all there still. It wakes with as many, so that none is taken away.
    const bool runs_on = targets_minicluster(spec_);
    const auto most =
        std::max<std::int64_t>(input_.max_size.value_or(std::numeric_limits<std::int32_t>::max()), 1);
    const auto least = std::clamp<std::int64_t>(input_.min_size.value_or(1), 1, most);
    const auto size = runs_on ? std::clamp(seen_.pods_listed, least, most) : std::int64_t{1};
    add("stuck-at-zero", Severity::fault, true,
        fmt::format(
            "the target has 0 replicas, which this HPA did not set: it no longer scales "
            "[ScalingDisabled], whatever minReplicas and the metrics say{}; set the size to {} by hand: "
            "kubectl scale {}{} --replicas={}",
            runs_on && seen_.pods_listed > 0
                ? fmt::format(
                      "; a MiniCluster's operator ignores a size of 0, so its {} on",
                      seen_.pods_listed == 1 ? "1 pod runs" : fmt::format("{} pods run", seen_.pods_listed))
                : "",
            size, input_.cluster ? fmt::format("-n {} ", input_.cluster->namespace_) : "", target_path(),
            size));
  }

  // The first container of a pod that has no request of a resource whose use is wanted in percent of it.
  void check_requests() {
    if (!seen_.pods) return;
    for (const auto& metric : spec_.metrics) {
      const bool resource = metric.source == hpa::MetricSource::resource ||
                            metric.source == hpa::MetricSource::container_resource;
      if (!resource || metric.target.average_value || !metric.target.average_utilization) continue;
      for (const auto& pod : *seen_.pods) {
        if (const auto* container = without_request(pod, metric)) {
          add_request(metric, pod, *container);
          break;
        }
      }
    }
  }
  [[nodiscard]] static const std::string* without_request(const hpa::HpaPod& pod,
                                                          const hpa::HpaMetric& metric) {
    if (pod.pod_requests.contains(metric.name) && metric.container.empty()) return nullptr;
    for (const auto& [container, requests] : pod.requests) {
      if (!metric.container.empty() && container != metric.container) continue;
      if (!requests.contains(metric.name)) return &container;
    }
    return nullptr;
  }
  void add_request(const hpa::HpaMetric& metric, const hpa::HpaPod& pod, const std::string& container) {
    add("missing-request", Severity::fault, true,
        fmt::format(
            "the container {} of the pod {} has no request for {}, and {} % is relative to the requests: the "
            "metric fails while any container of any pod has none; set resources.requests.{} {}",
            container, pod.name, metric.name, *metric.target.average_utilization, metric.name,
            targets_minicluster(spec_) ? "in spec.containers of the MiniCluster"
                                       : "in the pod template of the target"));
  }

  // Kubernetes' client puts the name of an external metric, a resource to it, into lower case.
  void check_case() {
    for (const auto& metric : spec_.metrics) {
      if (metric.source != hpa::MetricSource::external || metric.name == lowered(metric.name)) continue;
      add("external-lower-case", Severity::note, false,
          fmt::format("the controller queries external.metrics.k8s.io for {}, in lower case: a "
                      "case-sensitive server has no {}",
                      lowered(metric.name), metric.name));
    }
  }

  // The policies count what was added and removed within their periods, which only the controller remembers.
  void check_recent_scale() {
    const auto& past = input_.forecast.past;
    if (!past.last_scale_ms || !spec_.behavior) return;
    std::int64_t longest = 0;
    for (const auto* rules : {&spec_.behavior->up, &spec_.behavior->down}) {
      for (const auto& policy : rules->policies)
        longest = std::max<std::int64_t>(longest, policy.period_seconds);
    }
    const auto age = *past.last_scale_ms / 1000;
    if (age >= longest) return;
    add("recent-resize", Severity::note, false,
        fmt::format("the HPA last changed the size {} s ago, and its policies count the changes of the last "
                    "{} s: a resize may come up to {} s later, or be smaller, than shown above",
                    age, longest, longest - age));
  }

  void check_target(const ClusterFacts& cluster) {
    const auto& target = spec_.target;
    switch (cluster.target) {
      case TargetState::found:
      case TargetState::unreadable:
        break;
      case TargetState::no_kind:
        add("target-not-found", Severity::fault, true,
            fmt::format("the cluster serves no kind {} of {} [FailedGetScale: {}]: correct "
                        "spec.scaleTargetRef, or install what defines the kind",
                        target.kind, target.api_version, cluster.target_says));
        break;
      case TargetState::no_object:
        add("target-not-found", Severity::fault, true,
            fmt::format(
                "there is no {} {} in the namespace {} [FailedGetScale]: the HPA does nothing until there "
                "is one{}",
                target.kind, target.name, cluster.namespace_, meant(target.name, cluster.siblings)));
        break;
      case TargetState::no_scale:
        add("target-not-scalable", Severity::fault, true,
            fmt::format("the {} {} has no scale subresource [FailedGetScale: {}]: no HPA can scale it",
                        target.kind, target.name, cluster.target_says));
        break;
    }
    if (!cluster.target_version.empty()) {
      add("target-version", Severity::note, false,
          fmt::format("scaleTargetRef says {}, which the cluster does not serve; {} is served, and the "
                      "controller matches by group and kind, so this HPA still finds its target",
                      target.api_version, cluster.target_version));
    }
  }

  void check_selector(const ClusterFacts& cluster) {
    if (cluster.target != TargetState::found) return;
    if (seen_.selector.empty()) {
      add("no-selector", Severity::fault, true,
          fmt::format(
              "the scale of {} has no selector in its status, so the HPA cannot find its pods and scales "
              "nothing [InvalidSelector]: {}",
              target_path(),
              targets_minicluster(spec_)
                  ? "the Flux Operator writes status.selector within a second of creation; check that it is "
                    "running, and which CRD is installed"
                  : "the target's controller, or labelSelectorPath of its CRD, must provide one"));
    } else if (const auto parsed = kube::Selector::parse(seen_.selector); !parsed) {
      add("no-selector", Severity::fault, true,
          fmt::format("the selector '{}' of the scale of {} is not valid, so the HPA scales nothing "
                      "[InvalidSelector]: {}",
                      printable(seen_.selector), target_path(), parsed.error().message));
    }
    if (!cluster.same_target.empty()) {
      add("same-target", Severity::fault, true,
          fmt::format(
              "the HPA {} scales the same {}: while its selector matches no pod, both act and overwrite each "
              "other; once it matches a pod, neither acts [AmbiguousSelector]; keep one",
              fmt::join(cluster.same_target, " and "), target_path()));
    }
  }

  void check_outage(const MetricOutage& outage) {
    const auto& metric = spec_.metrics[outage.metric];
    const auto group = outage.api.substr(0, outage.api.find('/'));
    switch (outage.kind) {
      case MetricOutage::Kind::no_server:
        add("metrics-api-missing", Severity::fault, true,
            fmt::format(
                "no server is registered for {}: {} always fails and the size stays; {}", group, metric.name,
                group == "metrics.k8s.io" ? "install metrics-server"
                                          : "register one with an APIService (deploy/apiservice.yaml)"));
        break;
      case MetricOutage::Kind::unavailable:
        add("metrics-unavailable", Severity::fault, true, describe_unavailable(outage, metric));
        break;
      case MetricOutage::Kind::no_metric:
        add("unknown-metric", Severity::fault, false,
            fmt::format("the server of {} has no metric {}{}: the HPA shows {} and keeps its size; "
                        "kubectl get --raw /apis/{} lists the metrics that it has",
                        outage.api, metric.name, meant(metric.name, outage.offered), failure_of(metric),
                        outage.api));
        break;
      case MetricOutage::Kind::no_object:
        add("unknown-metric", Severity::fault, false,
            fmt::format("the server of {} has {}, but not for the {} {}: {}", outage.api, metric.name,
                        metric.object.kind, metric.object.name, printable(outage.says, longest_quote)));
        break;
    }
  }

  [[nodiscard]] static std::string_view failure_of(const hpa::HpaMetric& metric) {
    switch (metric.source) {
      case hpa::MetricSource::external:
        return "FailedGetExternalMetric";
      case hpa::MetricSource::pods:
        return "FailedGetPodsMetric";
      case hpa::MetricSource::resource:
        return "FailedGetResourceMetric";
      case hpa::MetricSource::container_resource:
        return "FailedGetContainerResourceMetric";
      case hpa::MetricSource::object:
      case hpa::MetricSource::unknown:
        break;
    }
    return "FailedGetObjectMetric";
  }

  [[nodiscard]] static std::string describe_unavailable(const MetricOutage& outage,
                                                        const hpa::HpaMetric& metric) {
    auto text = fmt::format("{} answers {} for {}: {}", outage.api, outage.status, metric.name,
                            printable(outage.says, longest_quote));
    const auto slash = outage.api.find('/');
    const auto api_service = fmt::format("{}.{}", outage.api.substr(slash + 1), outage.api.substr(0, slash));
    if (outage.available == "True") {
      text +=
          fmt::format("; its APIService {} is Available, so its server is reachable, and this is its answer",
                      api_service);
    } else if (!outage.available.empty()) {
      text += fmt::format("; its APIService {} is not Available ({})", api_service,
                          printable(outage.why, longest_quote));
    }
    text += "; the size stays until it answers";
    if (!outage.service.empty() && outage.available != "True") {
      const auto cut = outage.service.find('/');
      text += fmt::format(": see kubectl -n {} get endpointslices -l kubernetes.io/service-name={}",
                          outage.service.substr(0, cut), outage.service.substr(cut + 1));
    }
    return text;
  }

  const AdviceInput& input_;
  const hpa::HpaSpec& spec_;
  const hpa::HpaObservation& seen_;
  std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> find_cluster_faults(const AdviceInput& input) {
  return ClusterAdvice(input).run();
}

}  // namespace fluxmetrics::explain
