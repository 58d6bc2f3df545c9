#include "hpa/spec_json.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "kube/quantity.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::hpa {
using kube::JsonField;
using kube::ShapeError;
namespace {

HpaObject read_object(const JsonField& field) {
  return {.api_version = field["apiVersion"].text_or(""),
          .kind = field["kind"].text_or(""),
          .name = field["name"].text_or("")};
}

struct Requirement {
  std::string key;
  std::string op;
  std::vector<std::string> values;
};

std::vector<Requirement> read_requirements(const JsonField& expressions) {
  std::vector<Requirement> list;
  if (!expressions.present()) return list;
  for (const auto& item : expressions.items()) {
    Requirement requirement{.key = item["key"].text_or(""), .op = item["operator"].text_or(""), .values = {}};
    if (const auto values = item["values"]; values.present()) {
      for (const auto& value : values.items())
        requirement.values.push_back(value.text_or(""));
    }
    list.push_back(std::move(requirement));
  }
  return list;
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

// Sets `fault` for an operator that does not exist, which no API server looks at.
std::string query_of(const Requirement& requirement, std::string& fault) {
  const auto& [key, op, values] = requirement;
  const bool lists = op == "In" || op == "NotIn";
  if (lists && values.empty()) fault = "for 'in', 'notin' operators, values set can't be empty";
  if (!lists && !values.empty() && (op == "Exists" || op == "DoesNotExist"))
    fault = "values set must be empty for exists and does not exist";
  if (op == "In") return fmt::format("{} in ({})", key, join(values, ","));
  if (op == "NotIn") return fmt::format("{} notin ({})", key, join(values, ","));
  if (op == "Exists") return key;
  if (op == "DoesNotExist") return "!" + key;
  fault = fmt::format("\"{}\" is not a valid label selector operator", printable(op, 60));
  return key;
}

// A metric's own selector, as a query and as the controller prints it.
void read_selector(const JsonField& field, HpaMetric& metric) {
  if (!field.present()) return;
  std::map<std::string, std::string> labels;
  if (const auto match = field["matchLabels"]; match.present()) {
    for (const auto& [key, value] : match.members())
      labels[key] = value.text_or("");
  }
  const auto expressions = field["matchExpressions"];
  const auto requirements = read_requirements(expressions);
  std::vector<std::string> terms;
  std::string shown_labels;
  for (const auto& [key, value] : labels) {
    terms.push_back(fmt::format("{}={}", key, value));
    shown_labels += fmt::format("{}: {},", key, value);
  }
  std::string shown;
  for (const auto& requirement : requirements) {
    terms.push_back(query_of(requirement, metric.selector_fault));
    shown += fmt::format("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},", requirement.key,
                         requirement.op, join(requirement.values, " "));
  }
  metric.selector = join(terms, ",");
  if (const auto usable = kube::Selector::parse(metric.selector); !usable && metric.selector_fault.empty())
    metric.selector_fault = usable.error().message;
  metric.selector_text = fmt::format(
      "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{{}}},"
      "}}",
      shown_labels, shown);
}

HpaTarget read_target(const JsonField& field) {
  HpaTarget target;
  target.type = field["type"].text_or("");
  if (const auto value = field["value"]; value.present()) target.value = value.quantity();
  if (const auto value = field["averageValue"]; value.present()) target.average_value = value.quantity();
  target.average_utilization = field["averageUtilization"].maybe_int32();
  return target;
}

void read_identity(const JsonField& source, HpaMetric& metric) {
  const auto identifier = source.need("metric");
  metric.name = identifier.need("name").text();
  read_selector(identifier["selector"], metric);
}

void read_source(const JsonField& field, HpaMetric& metric) {
  switch (metric.source) {
    case MetricSource::resource:
    case MetricSource::container_resource: {
      const bool container = metric.source == MetricSource::container_resource;
      const auto source = field.need(container ? "containerResource" : "resource");
      metric.name = source.need("name").text();
      if (container) metric.container = source.need("container").text();
      metric.target = read_target(source.need("target"));
      return;
    }
    case MetricSource::pods: {
      const auto source = field.need("pods");
      read_identity(source, metric);
      metric.target = read_target(source.need("target"));
      if (!metric.target.average_value) (void)source.need("target").need("averageValue");
      return;
    }
    case MetricSource::object: {
      const auto source = field.need("object");
      read_identity(source, metric);
      metric.object = read_object(source.need("describedObject"));
      metric.target = read_target(source.need("target"));
      return;
    }
    case MetricSource::external: {
      const auto source = field.need("external");
      read_identity(source, metric);
      metric.target = read_target(source.need("target"));
      return;
    }
    case MetricSource::unknown:
      return;
  }
}

HpaMetric read_metric(const JsonField& field) {
  static const std::map<std::string, MetricSource> sources{
      {"Resource", MetricSource::resource},
      {"ContainerResource", MetricSource::container_resource},
      {"Pods", MetricSource::pods},
      {"Object", MetricSource::object},
      {"External", MetricSource::external}};
  HpaMetric metric;
  metric.type = field.need("type").text();
  if (const auto found = sources.find(metric.type); found != sources.end()) metric.source = found->second;
  read_source(field, metric);
  return metric;
}

ScalingPolicy read_policy(const JsonField& field) {
  ScalingPolicy policy;
  const auto type = field.need("type").text();
  if (type == "Percent") {
    policy.type = PolicyType::percent;
  } else if (type != "Pods") {
    field["type"].refuse(fmt::format("is '{}', neither Pods nor Percent", printable(type, 60)));
  }
  policy.value = field.need("value").int32();
  policy.period_seconds = field.need("periodSeconds").int32();
  return policy;
}

PolicySelect read_select(const JsonField& field) {
  const auto text = field.text();
  if (text == "Max") return PolicySelect::max;
  if (text == "Min") return PolicySelect::min;
  if (text == "Disabled") return PolicySelect::disabled;
  field.refuse(fmt::format("is '{}', none of Max, Min and Disabled", printable(text, 60)));
}

// Each field that is there takes the place of its default.
ScalingRules read_rules(const JsonField& field, ScalingRules rules) {
  if (!field.present()) return rules;
  if (const auto window = field["stabilizationWindowSeconds"].maybe_int32()) rules.window_seconds = window;
  if (const auto select = field["selectPolicy"]; select.present()) rules.select = read_select(select);
  if (const auto policies = field["policies"]; policies.present()) {
    rules.policies.clear();
    for (const auto& policy : policies.items())
      rules.policies.push_back(read_policy(policy));
  }
  if (const auto tolerance = field["tolerance"]; tolerance.present()) {
    (void)tolerance.quantity();
    const auto value = kube::parse_approximate(tolerance.quantity_text());
    if (!value) tolerance.refuse(value.error().message);
    rules.tolerance = *value;
  }
  return rules;
}

}  // namespace

HpaSpec read_hpa_spec(const JsonField& field) {
  HpaSpec spec;
  if (const auto target = field["scaleTargetRef"]; target.present()) spec.target = read_object(target);
  spec.min = field["minReplicas"].maybe_int32().value_or(1);
  spec.max = field.need("maxReplicas").int32();
  if (const auto metrics = field["metrics"]; metrics.present()) {
    for (const auto& metric : metrics.items())
      spec.metrics.push_back(read_metric(metric));
  }
  if (spec.metrics.empty()) spec.metrics.push_back(default_metric());
  if (const auto behavior = field["behavior"]; behavior.present()) {
    spec.behavior = HpaBehavior{.up = read_rules(behavior["scaleUp"], default_up_rules()),
                                .down = read_rules(behavior["scaleDown"], default_down_rules())};
  }
  return spec;
}

Result<HpaSpec> parse_hpa_spec(const boost::json::value& spec, const std::string& where) {
  try {
    return read_hpa_spec(JsonField(&spec, where));
  } catch (const ShapeError& wrong) {
    return fail(Code::invalid, "{}", wrong.sentence);
  }
}

}  // namespace fluxmetrics::hpa
