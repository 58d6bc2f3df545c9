#include "explain/target.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/plural.hpp"
#include "explain/json_path.hpp"
#include "explain/own_metrics.hpp"
#include "explain/values.hpp"
#include "http/message.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

// Stands for a selector that is there but not known.
constexpr std::string_view some_selector = "app=target";
constexpr std::size_t most_siblings = 500;

hpa::HpaPod pod_of(const json::value& item) {
  hpa::HpaPod pod;
  pod.name = text_at(item, {"metadata", "name"});
  pod.phase = text_at(item, {"status", "phase"});
  pod.deleting = !value_at(item, {"metadata", "deletionTimestamp"}).is_null();
  if (const auto* labels = value_at(item, {"metadata", "labels"}).if_object()) {
    for (const auto& [key, value] : *labels) {
      if (value.is_string()) pod.labels.emplace_back(key, value.get_string());
    }
  }
  pod.ready = hpa::PodReady::absent;
  for (const auto& condition : items_at(item, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) != "Ready") continue;
    const auto status = text_at(condition, {"status"});
    pod.ready = status == "True"    ? hpa::PodReady::yes
                : status == "False" ? hpa::PodReady::no
                                    : hpa::PodReady::unknown;
  }
  // How long it is ready is not asked: an hour, so that its samples count.
  pod.start_ms = pod.ready_since_ms = -3'600'000;
  for (const auto* list : {"containers", "initContainers"}) {
    const bool initial = std::string_view(list) == "initContainers";
    for (const auto& container : items_at(item, {"spec", list})) {
      if (initial && text_at(container, {"restartPolicy"}) != "Always") continue;
      pod.requests.emplace_back(text_at(container, {"name"}),
                                resources_of(value_at(container, {"resources", "requests"})));
    }
  }
  pod.pod_requests = resources_of(value_at(item, {"spec", "resources", "requests"}));
  return pod;
}

std::string objects_of(const ServedKind& kind, const std::string& ns) {
  return fmt::format("{}/namespaces/{}/{}", kind.root(), http::percent_encoded(ns), kind.plural);
}
std::string path_of(const ServedKind& kind, const std::string& ns, const std::string& name) {
  return fmt::format("{}/{}", objects_of(kind, ns), http::percent_encoded(name));
}

class TargetReading {
 public:
  TargetReading(ClusterReader& cluster, std::string ns, ExplainSubject& subject)
      : cluster_(cluster),
        ns_(std::move(ns)),
        subject_(subject),
        target_(subject.input.forecast.spec.target),
        seen_(subject.input.forecast.seen),
        facts_(*subject.input.cluster) {}

  void run() {
    if (std::ranges::count(target_.api_version, '/') > 1) return;  // the controller's own sentence follows
    const auto kind = cluster_.kind(target_.api_version, target_.kind);
    if (!kind) {
      if (kind.error().status != 404) return read_status(kind.error());
      return absent(TargetState::no_kind, kind.error());
    }
    facts_.target_resource = kind->qualified();
    if (kind->version != target_.api_version) facts_.target_version = kind->version;
    const auto path = path_of(*kind, ns_, target_.name);
    const auto scale = cluster_.get(path + "/scale", kind->qualified(), target_.name);
    // A MiniCluster's own document says what its scale does.
    const bool minicluster = targets_minicluster(subject_.input.forecast.spec);
    const auto object = minicluster ? cluster_.get(path) : Read<json::value>(json::value());
    if (minicluster && object) {
      const auto max = int_at(*object, {"spec", "maxSize"});
      if (max > 0) subject_.input.max_size = max;
      const auto min = int_at(*object, {"spec", "minSize"});
      if (min > 0) subject_.input.min_size = min;
      const auto maximum = int_at(*object, {"status", "maximumSize"});
      if (maximum > 0) subject_.input.maximum_size = maximum;
    }
    if (scale) {
      read_scale(*scale, {"spec", "replicas"}, {"status", "replicas"});
    } else if (scale.error().status == 404) {
      const bool exists = minicluster ? object.has_value() : cluster_.get(path).has_value();
      absent(exists ? TargetState::no_scale : TargetState::no_object, scale.error());
      if (!exists) read_siblings(*kind);
    } else if (minicluster && object) {
      say_unreadable(scale.error(), "the MiniCluster itself says");
      read_scale(*object, {"spec", "size"}, {"status", "size"});
    } else {
      read_status(scale.error());
    }
  }

 private:
  void absent(TargetState state, const NoDocument& why) {
    facts_.target = state;
    facts_.target_says = why.client;
    seen_.faults.get_scale = why.client;
    seen_.spec_replicas = seen_.status_replicas = subject_.input.forecast.past.current_replicas.value_or(0);
  }

  void read_scale(const json::value& document, JsonPath replicas, JsonPath status) {
    seen_.spec_replicas = int_at(document, replicas);
    seen_.status_replicas = int_at(document, status);
    seen_.selector = text_at(document, {"status", "selector"});
  }

  void read_siblings(const ServedKind& kind) {
    const auto list = cluster_.get(objects_of(kind, ns_));
    if (!list) return;
    for (const auto& item :
         items_at(*list, {"items"}).first(std::min(items_at(*list, {"items"}).size(), most_siblings)))
      facts_.siblings.push_back(text_at(item, {"metadata", "name"}));
  }

  void say_unreadable(const NoDocument& why, std::string_view instead) {
    subject_.assumptions.push_back(fmt::format(
        "the target's scale cannot be read ({}): the forecast uses what {}", why.sentence, instead));
  }

  // What the controller wrote when it read the scale last.
  void read_status(const NoDocument& why) {
    const auto& past = subject_.input.forecast.past;
    facts_.target = TargetState::unreadable;
    seen_.selector = some_selector;
    if (past.current_replicas) {
      say_unreadable(why, "the HPA's own status says");
      seen_.spec_replicas = *past.current_replicas;
    } else {
      seen_.spec_replicas = subject_.input.forecast.spec.min;
      say_unreadable(why, "would apply at the minimum, because the HPA's status has no size");
    }
    seen_.status_replicas = seen_.spec_replicas;
    if (const auto* active = past.conditions.find("ScalingActive");
        active != nullptr && active->reason == "InvalidSelector")
      seen_.selector.clear();
    for (const auto& condition : past.conditions.list()) {
      subject_.assumptions.push_back(fmt::format("status: {} {} {}: {}", condition.type,
                                                 condition.status ? "True" : "False", condition.reason,
                                                 condition.message));
    }
  }

  ClusterReader& cluster_;
  std::string ns_;
  ExplainSubject& subject_;
  const hpa::HpaObject& target_;
  hpa::HpaObservation& seen_;
  ClusterFacts& facts_;
};

hpa::HpaObject target_of(const json::value& hpa) {
  return {.api_version = text_at(hpa, {"spec", "scaleTargetRef", "apiVersion"}),
          .kind = text_at(hpa, {"spec", "scaleTargetRef", "kind"}),
          .name = text_at(hpa, {"spec", "scaleTargetRef", "name"})};
}

bool same_target(const hpa::HpaObject& a, const hpa::HpaObject& b) {
  return group_of(a.api_version) == group_of(b.api_version) && a.kind == b.kind && a.name == b.name;
}

// HPAs whose target cannot be read select nothing, there as here.
bool selects_a_pod(ClusterReader& cluster, const std::string& ns, const hpa::HpaObject& target,
                   const std::vector<hpa::HpaPod>& pods) {
  const auto kind = cluster.kind(target.api_version, target.kind);
  if (!kind) return false;
  const auto scale = cluster.get(path_of(*kind, ns, target.name) + "/scale");
  const auto text = scale ? text_at(*scale, {"status", "selector"}) : std::string();
  const auto selector = kube::Selector::parse(text);
  if (text.empty() || !selector) return false;
  return std::ranges::any_of(pods, [&](const hpa::HpaPod& pod) { return selector->matches(pod.labels); });
}

}  // namespace

std::string hpas_of(const std::string& ns) {
  return fmt::format("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
                     http::percent_encoded(ns));
}

void read_target(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject) {
  TargetReading(cluster, ns, subject).run();
}

void read_pods(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject) {
  auto& seen = subject.input.forecast.seen;
  const auto state = subject.input.cluster->target;
  const bool known = state == TargetState::found && kube::Selector::parse(seen.selector).has_value();
  if (state == TargetState::found && (seen.selector.empty() || !known)) return;
  if (state != TargetState::found && state != TargetState::unreadable) return;
  const auto list =
      known ? cluster.get(fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}",
                                      http::percent_encoded(ns), http::percent_encoded(seen.selector)))
            : Read<json::value>(std::unexpected(NoDocument{.sentence = "no selector is known"}));
  if (!list) {
    seen.pods_listed = seen.pods_ready = seen.spec_replicas;
    subject.assumptions.push_back(
        fmt::format("the pods cannot be listed ({}): assuming that the target has {}, ready",
                    list.error().sentence, counted(seen.spec_replicas, "pod")));
    return;
  }
  auto& pods = seen.pods.emplace();
  for (const auto& item : items_at(*list, {"items"}))
    pods.push_back(pod_of(item));
  seen.pods_listed = static_cast<std::int64_t>(pods.size());
  seen.pods_ready = std::ranges::count_if(
      pods, [](const hpa::HpaPod& pod) { return pod.phase == "Running" && pod.ready == hpa::PodReady::yes; });
}

// With two HPAs for one pod the controller scales by neither.
void read_rivals(ClusterReader& cluster, const std::string& ns, ExplainSubject& subject) {
  auto& seen = subject.input.forecast.seen;
  if (seen.selector.empty() || !seen.faults.get_scale.empty()) return;
  const auto list = cluster.get(hpas_of(ns));
  if (!list) {
    subject.assumptions.push_back(
        fmt::format("whether other HPAs select the same pods is not known ({})", list.error().sentence));
    return;
  }
  const auto& spec = subject.input.forecast.spec;
  for (const auto& item : items_at(*list, {"items"})) {
    auto name = text_at(item, {"metadata", "name"});
    if (name == subject.name) continue;
    const auto target = target_of(item);
    const bool same = same_target(target, spec.target);
    if (seen.pods && seen.pods->empty()) {
      if (same) subject.input.cluster->same_target.push_back(std::move(name));
    } else if (seen.pods ? same || selects_a_pod(cluster, ns, target, *seen.pods)
                         : same && seen.pods_listed > 0) {
      seen.rivals.push_back(std::move(name));
    }
  }
}

}  // namespace fluxmetrics::explain
