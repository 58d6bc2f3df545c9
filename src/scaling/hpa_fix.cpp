#include "scaling/hpa_fix.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace fluxmetrics::scaling {
namespace json = boost::json;
namespace {

class Fixer {
 public:
  Fixer(const json::object& document, const AdviceInput& input) : input_(input) {
    fixed_.document = document;
  }

  FixedHpa run() {
    leave_manifest();
    auto& spec = member(fixed_.document, "spec");
    fix_range(spec);
    const bool follow = fix_metrics(spec);
    if (follow) fix_behavior(spec);
    return std::move(fixed_);
  }

 private:
  static json::object& member(json::object& parent, std::string_view name) {
    auto& value = parent[name];
    if (!value.is_object()) value = json::object();
    return value.get_object();
  }
  void changed(std::string path, std::string why) { fixed_.changes[std::move(path)] = std::move(why); }

  // Sets parent[name] and says why, unless it is that already.
  void set(json::object& parent, const std::string& path, std::string_view name, const json::value& value,
           std::string why) {
    auto& old = parent[name];
    if (old == value) return;
    old = value;
    changed(fmt::format("{}/{}", path, name), std::move(why));
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

  void fix_range(json::object& spec) {
    const auto& parsed = input_.forecast.spec;
    max_ = parsed.max;
    if (input_.max_size && max_ > *input_.max_size) {
      max_ = *input_.max_size;
      set(spec, "/spec", "maxReplicas", max_,
          fmt::format("was {}: the MiniCluster's operator ignores sizes above maxSize {}", parsed.max, max_));
    }
    if (parsed.min < 1 && targets_minicluster(parsed)) {
      set(spec, "/spec", "minReplicas", 1,
          fmt::format("was {}: a MiniCluster has no size below 1", parsed.min));
    }
    if (parsed.min > max_) {
      set(spec, "/spec", "minReplicas", max_, fmt::format("was {}, above maxReplicas", parsed.min));
    }
  }

  // True when the HPA follows the wanted size now.
  bool fix_metrics(json::object& spec) {
    auto* metrics = spec.if_contains("metrics");
    if (metrics == nullptr || !metrics->is_array()) return false;
    bool follow = false;
    const auto& parsed = input_.forecast.spec.metrics;
    for (std::size_t i = 0; i < metrics->get_array().size() && i < parsed.size(); ++i) {
      const auto& metric = parsed[i];
      const bool unknown = std::ranges::find(input_.unknown_metrics, metric.name, &UnknownMetric::name) !=
                           input_.unknown_metrics.end();
      const bool known =
          metric.name == wanted_metric || counts_own_size(metric) || falls_when_jobs_start(metric) || unknown;
      if (!known || !of_an_object(metric) || !metrics->get_array()[i].is_object()) continue;
      follow = true;
      const auto* const source = metric.source == MetricSource::object ? "object" : "external";
      const auto path = fmt::format("/spec/metrics/{}/{}", i, source);
      auto& object = member(metrics->get_array()[i].get_object(), source);
      auto& identifier = member(object, "metric");
      if (identifier.erase("selector") > 0)
        changed(path + "/metric", fmt::format("without its selector: {} has no labels", wanted_metric));
      set(identifier, path + "/metric", "name", json::string(wanted_metric),
          counts_own_size(metric)
              ? fmt::format("was {}, which counts the nodes that are there, not those that are needed",
                            metric.name)
          : falls_when_jobs_start(metric)
              ? fmt::format("was {}, which falls when jobs start", metric.name)
              : fmt::format("was {}, which does not exist", printable(metric.name)));
      const json::object target{{"type", "AverageValue"}, {"averageValue", "1"}};
      set(object, path, "target", target,
          "with AverageValue 1 the proposal is the metric itself, whatever the pods do");
    }
    return follow;
  }

  // One of the policies allows every size at once, and the widest counts.
  [[nodiscard]] bool allows_any_size(const json::object& rules) const {
    const auto* policies = rules.if_contains("policies");
    if (policies == nullptr || !policies->is_array()) return false;
    return std::ranges::any_of(policies->get_array(), [&](const json::value& policy) {
      const auto* object = policy.if_object();
      const auto* type = object == nullptr ? nullptr : object->if_contains("type");
      const auto* value = object == nullptr ? nullptr : object->if_contains("value");
      return type != nullptr && *type == "Pods" && value != nullptr && value->is_int64() &&
             value->get_int64() >= max_;
    });
  }

  void fix_rules(json::object& behavior, std::string_view name, const std::string& window_why) {
    const auto path = fmt::format("/spec/behavior/{}", name);
    auto& rules = member(behavior, name);
    set(rules, path, "tolerance", "0",
        "10 % by default, which swallows single nodes from 10 on (Kubernetes 1.35 and later)");
    set(rules, path, "stabilizationWindowSeconds", 0, window_why);
    if (rules.contains("selectPolicy")) set(rules, path, "selectPolicy", "Max", "the widest of the policies");
    if (allows_any_size(rules)) return;
    const json::array policies{json::object{{"type", "Pods"}, {"value", max_}, {"periodSeconds", 15}}};
    set(rules, path, "policies", policies, "any size in one step: ten nodes take hardly longer than one");
  }

  void fix_behavior(json::object& spec) {
    auto& behavior = member(spec, "behavior");
    fix_rules(behavior, "scaleUp", "jobs wait for as long as this window");
    fix_rules(
        behavior, "scaleDown",
        "node_wanted_count holds a smaller size back by itself; use 300 where nobody drains nodes first");
  }

  const AdviceInput& input_;
  FixedHpa fixed_;
  std::int32_t max_ = 1;
};

// Words that YAML would take for something else than a text are quoted.
std::string yaml_text(std::string_view text) {
  static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static constexpr std::string_view more = "0123456789-_./";
  const bool plain =
      !text.empty() && letters.find(text[0]) != std::string_view::npos &&
      std::ranges::all_of(text, [](char c) {
        return letters.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
      });
  for (const auto* word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (same_ignoring_case(text, word)) return json::serialize(json::value(json::string(text)));
  }
  return plain ? std::string(text) : json::serialize(json::value(json::string(text)));
}

class Writer {
 public:
  explicit Writer(const std::map<std::string, std::string>& comments) : comments_(comments) {}

  void object(const json::object& object, const std::string& path, std::size_t depth, bool in_list) {
    bool first = in_list;
    for (const auto& [key, value] : object) {
      const auto here = fmt::format("{}/{}", path, std::string_view(key));
      // Above a list's item there is no room beside its dash: the comment goes below it.
      if (!first) comment(here, depth);
      out_ += fmt::format("{:{}}{}:", "", first ? 0 : depth * 2, yaml_text(key));
      member(value, here, depth);
      if (first) comment(here, depth);
      first = false;
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void comment(const std::string& path, std::size_t depth) {
    const auto found = comments_.find(path);
    if (found != comments_.end()) out_ += fmt::format("{:{}}# changed: {}\n", "", depth * 2, found->second);
  }
  void member(const json::value& value, const std::string& path, std::size_t depth) {
    if (const auto* nested = value.if_object(); nested != nullptr && !nested->empty()) {
      out_ += "\n";
      object(*nested, path, depth + 1, false);
    } else if (const auto* list = value.if_array(); list != nullptr && !list->empty()) {
      out_ += "\n";
      items(*list, path, depth);
    } else {
      out_ += fmt::format(" {}\n", scalar(value));
    }
  }
  void items(const json::array& list, const std::string& path, std::size_t depth) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      out_ += fmt::format("{:{}}- ", "", depth * 2);
      const auto* nested = list[i].if_object();
      if (nested != nullptr && !nested->empty()) {
        object(*nested, fmt::format("{}/{}", path, i), depth + 1, true);
      } else {
        out_ += scalar(list[i]) + "\n";
      }
    }
  }
  static std::string scalar(const json::value& value) {
    return value.is_string() ? yaml_text(value.get_string()) : json::serialize(value);
  }

  const std::map<std::string, std::string>& comments_;
  std::string out_;
};

}  // namespace

FixedHpa fix_hpa(const json::object& document, const AdviceInput& input) {
  return Fixer(document, input).run();
}

std::string fixed_yaml(const FixedHpa& fixed) {
  Writer writer(fixed.changes);
  writer.object(fixed.document, "", 0, false);
  return writer.take();
}

}  // namespace fluxmetrics::scaling
