#include "explain/fix.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "explain/own_metrics.hpp"
#include "hpa/spec_json.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

class Fixer {
 public:
  Fixer(const json::object& document, AdviceInput input) : input_(std::move(input)) {
    fixed_.document = document;
  }

  FixedHpa run() {
    leave_manifest();
    auto& spec = member(fixed_.document, "spec");
    fix_range(spec);
    const bool turned = fix_metrics(spec);
    // What became of it decides what else there is to do.
    read_again(spec);
    if (turned) {
      turn_behavior(spec);
    } else {
      fix_behavior(spec);
    }
    return std::move(fixed_);
  }

 private:
  static json::object& member(json::object& parent, std::string_view name) {
    auto& value = parent[name];
    if (!value.is_object()) value = json::object();
    return value.get_object();
  }

  // Sets parent[name] and says why, unless it is that already.
  void set(json::object& parent, const std::string& path, std::string_view name, const json::value& value,
           std::string why) {
    auto& old = parent[name];
    if (old == value) return;
    old = value;
    fixed_.changes[fmt::format("{}/{}", path, name)] = std::move(why);
  }

  // What an API server has added: with it the HPA could not be applied, or only until its next change.
  void leave_manifest() {
    fixed_.document.erase("status");
    auto* metadata = fixed_.document.if_contains("metadata");
    if (metadata == nullptr || !metadata->is_object()) return;
    auto& members = metadata->get_object();
    for (const auto* name : {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields",
                             "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"})
      members.erase(name);
    auto* annotations = members.if_contains("annotations");
    if (annotations == nullptr || !annotations->is_object()) return;
    annotations->get_object().erase("kubectl.kubernetes.io/last-applied-configuration");
    if (annotations->get_object().empty()) members.erase("annotations");
  }

  void read_again(const json::object& spec) {
    auto read = hpa::parse_hpa_spec(spec, "spec");
    if (!read) return;
    input_.forecast.spec = std::move(*read);
    input_.refusal = {};
  }
  [[nodiscard]] const hpa::HpaSpec& parsed() const { return input_.forecast.spec; }

  void fix_range(json::object& spec) {
    const auto& range = parsed();
    auto max = range.max;
    if (input_.max_size && max > *input_.max_size) {
      max = *input_.max_size;
      set(spec, "/spec", "maxReplicas", max,
          fmt::format("was {}: the MiniCluster's operator ignores sizes above maxSize {}", range.max, max));
    }
    if (input_.maximum_size && max > *input_.maximum_size) {
      max = *input_.maximum_size;
      set(spec, "/spec", "maxReplicas", max,
          fmt::format("was {}: the MiniCluster's operator sets sizes above status.maximumSize {} back to it",
                      range.max, max));
    }
    // The size that the operator of a MiniCluster obeys at least.
    const auto least = std::max(input_.min_size.value_or(1), 1);
    if (range.min < least && targets_minicluster(range)) {
      set(spec, "/spec", "minReplicas", std::min(least, max),
          least == 1 ? fmt::format("was {}: a MiniCluster has no size below 1", range.min)
                     : fmt::format("was {}: the MiniCluster's operator ignores sizes below minSize {}",
                                   range.min, least));
    }
    if (range.min > max)
      set(spec, "/spec", "minReplicas", max, fmt::format("was {}, above maxReplicas", range.min));
  }

  [[nodiscard]] const UnknownMetric* unknown(const hpa::HpaMetric& metric) const {
    const auto found = std::ranges::find(input_.unknown_metrics, metric.name, &UnknownMetric::name);
    return found == input_.unknown_metrics.end() ? nullptr : &*found;
  }
  // Why another metric should stand in its place; "" when it need not.
  [[nodiscard]] std::string reason_to_leave(const hpa::HpaMetric& metric) const {
    if (counts_own_size(metric))
      return fmt::format("was {}, which counts the nodes that are there, not those that are needed",
                         metric.name);
    if (falls_when_jobs_start(metric)) return fmt::format("was {}, which falls when jobs start", metric.name);
    return "";
  }

  // True when a metric was turned into node_wanted_count, or had another target.
  bool fix_metrics(json::object& spec) {
    auto* metrics = spec.if_contains("metrics");
    if (metrics == nullptr || !metrics->is_array()) return false;
    bool turned = false;
    const auto known = parsed().metrics;
    for (std::size_t i = 0; i < metrics->get_array().size() && i < known.size(); ++i) {
      auto* entry = metrics->get_array()[i].if_object();
      if (entry != nullptr && of_an_object(known[i])) turned = fix_metric(*entry, i, known[i]) || turned;
    }
    return turned;
  }
  bool fix_metric(json::object& entry, std::size_t i, hpa::HpaMetric metric) {
    const std::string_view field = metric.source == hpa::MetricSource::object ? "object" : "external";
    const auto path = fmt::format("/spec/metrics/{}/{}", i, field);
    auto& source = member(entry, field);
    auto why = reason_to_leave(metric);
    if (const auto* wrong = unknown(metric); wrong != nullptr) {
      metric.name = wrong->meant.empty() ? std::string(wanted_metric) : wrong->meant;
      why = fmt::format("was {}, which does not exist", wrong->name);
      if (!reason_to_leave(metric).empty()) metric.name = wanted_metric;
    } else if (!why.empty()) {
      metric.name = wanted_metric;
    }
    set(member(source, "metric"), path + "/metric", "name", json::string(metric.name), why);
    if (metric.name != wanted_metric) return false;
    auto& identifier = member(source, "metric");
    // It counts for the whole instance; a selector of another metric's labels would leave nothing.
    if (!why.empty() && identifier.erase("selector") > 0) {
      fixed_.changes[path + "/metric"] =
          fmt::format("removed the selector: {} has no labels to match", wanted_metric);
    }
    const json::object target{{"type", "AverageValue"}, {"averageValue", "1"}};
    const bool plain = metric.target.type == "AverageValue" && metric.target.average_value == 1000;
    if (plain) return !why.empty();
    set(source, path, "target", target,
        "with AverageValue 1 the proposal is the metric itself, whatever the pods do");
    return true;
  }

  // One of the policies allows every size at once, and the widest counts.
  [[nodiscard]] bool allows_any_size(const hpa::ScalingRules& rules) const {
    return std::ranges::any_of(rules.policies, [&](const hpa::ScalingPolicy& policy) {
      return policy.type == hpa::PolicyType::pods && policy.value >= parsed().max;
    });
  }
  void allow_any_size(json::object& rules, const std::string& path) {
    const json::array policies{
        json::object{{"type", "Pods"}, {"value", parsed().max}, {"periodSeconds", 15}}};
    set(rules, path, "policies", policies, "any size in one step: ten nodes take hardly longer than one");
  }
  void free_of_tolerance(json::object& rules, const std::string& path) {
    if (!input_.forecast.platform.gates.configurable_tolerance) return;
    set(rules, path, "tolerance", "0",
        targets_minicluster(parsed())
            ? "10 % by default, which swallows single nodes from 10 on (Kubernetes 1.35 and later)"
            : "10 % by default, which swallows single replicas from 10 on (Kubernetes 1.35 and later)");
  }

  // An HPA that followed something else: its rules were made for that.
  void turn_behavior(json::object& spec) {
    auto& behavior = member(spec, "behavior");
    turn_rules(behavior, "scaleUp", parsed().behavior ? &parsed().behavior->up : nullptr,
               "jobs wait for as long as this window");
    turn_rules(
        behavior, "scaleDown", parsed().behavior ? &parsed().behavior->down : nullptr,
        "node_wanted_count holds a smaller size back by itself; use 300 where nobody drains nodes first");
  }
  void turn_rules(json::object& behavior, std::string_view name, const hpa::ScalingRules* old,
                  const std::string& window_why) {
    const auto path = fmt::format("/spec/behavior/{}", name);
    auto& rules = member(behavior, name);
    free_of_tolerance(rules, path);
    set(rules, path, "stabilizationWindowSeconds", 0, window_why);
    if (rules.contains("selectPolicy")) set(rules, path, "selectPolicy", "Max", "the widest of the policies");
    if (old == nullptr || !allows_any_size(*old)) allow_any_size(rules, path);
  }

  // Of an HPA that follows what it should, only what is found wrong.
  void fix_behavior(json::object& spec) {
    const auto findings = find_faults(input_);
    const auto has = [&](std::string_view id) {
      return std::ranges::find(findings, id, &Finding::id) != findings.end();
    };
    const bool wanted = std::ranges::all_of(parsed().metrics, [](const hpa::HpaMetric& metric) {
      return of_an_object(metric) && metric.name == wanted_metric;
    });
    const auto rules = [&](std::string_view name) -> json::object& {
      return member(member(spec, "behavior"), name);
    };
    const std::string up = "/spec/behavior/scaleUp";
    const std::string down = "/spec/behavior/scaleDown";
    if (has("tolerance") && input_.forecast.platform.gates.configurable_tolerance) {
      free_of_tolerance(rules("scaleUp"), up);
      free_of_tolerance(rules("scaleDown"), down);
    }
    if (!wanted) return;
    if (has("up-window"))
      set(rules("scaleUp"), up, "stabilizationWindowSeconds", 0, "jobs wait for as long as this window");
    if (has("cannot-reach-max") || has("slow-up")) {
      auto& direction = rules("scaleUp");
      if (direction.contains("selectPolicy"))
        set(direction, up, "selectPolicy", "Max", "the widest of the policies");
      if (!parsed().behavior || !allows_any_size(parsed().behavior->up)) allow_any_size(direction, up);
    }
    if (has("cannot-reach-min")) {
      auto& direction = rules("scaleDown");
      if (direction.contains("selectPolicy"))
        set(direction, down, "selectPolicy", "Max", "the widest of the policies");
      if (!parsed().behavior || !allows_any_size(parsed().behavior->down)) allow_any_size(direction, down);
    }
  }

  AdviceInput input_;  // its spec is the corrected one
  FixedHpa fixed_;
};

}  // namespace

FixedHpa fix_hpa(const json::object& document, const AdviceInput& input) {
  return Fixer(document, input).run();
}

}  // namespace fluxmetrics::explain
