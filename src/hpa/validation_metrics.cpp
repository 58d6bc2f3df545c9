#include "hpa/validation_metrics.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>

#include "kube/label_syntax.hpp"
#include "kube/quantity.hpp"
#include "kube/strict_decoding.hpp"

namespace fluxmetrics::hpa {
namespace {

using kube::FieldErrors;
using kube::go_quoted;

// A type of metric and the field that belongs to it, in the order in which the server looks at them.
struct Source {
  std::string_view type;
  std::string_view field;
};
constexpr std::array<Source, 5> sources{{{"Object", "object"},
                                         {"External", "external"},
                                         {"Pods", "pods"},
                                         {"Resource", "resource"},
                                         {"ContainerResource", "containerResource"}}};
constexpr std::array<std::string_view, 5> source_types{"ContainerResource", "External", "Object", "Pods",
                                                       "Resource"};
constexpr std::array<std::string_view, 20> standard_resources{"cpu",
                                                              "memory",
                                                              "ephemeral-storage",
                                                              "requests.cpu",
                                                              "requests.memory",
                                                              "requests.ephemeral-storage",
                                                              "limits.cpu",
                                                              "limits.memory",
                                                              "limits.ephemeral-storage",
                                                              "pods",
                                                              "resourcequotas",
                                                              "services",
                                                              "replicationcontrollers",
                                                              "secrets",
                                                              "configmaps",
                                                              "persistentvolumeclaims",
                                                              "storage",
                                                              "requests.storage",
                                                              "services.nodeports",
                                                              "services.loadbalancers"};

bool among(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

void check_quantity(const HpaField& field, FieldErrors& errors) {
  if (!field.present()) return;
  const auto quantity = kube::canonical_quantity(kube::quantity_text(field.value()));
  if (quantity && quantity->sign <= 0)
    errors.invalid(field.path(), fmt::format("\"{}\"", quantity->text), "must be positive");
}

void check_target(const HpaField& target, FieldErrors& errors) {
  static constexpr std::array<std::string_view, 3> types{"Utilization", "Value", "AverageValue"};
  const auto type = target["type"].text();
  if (type.empty()) errors.required(target["type"].path(), "must specify a metric target type");
  if (!among(type, types)) {
    errors.invalid(target["type"].path(), kube::go_json_quoted(type),
                   "must be either Utilization, Value, or AverageValue");
  }
  check_quantity(target["value"], errors);
  check_quantity(target["averageValue"], errors);
  if (const auto percent = target["averageUtilization"].number(); percent && *percent < 1)
    errors.invalid(target["averageUtilization"].path(), std::to_string(*percent), "must be greater than 0");
}

void check_identifier(const HpaField& metric, FieldErrors& errors) {
  const auto name = metric["name"].text();
  if (name.empty()) errors.required(metric["name"].path(), "must specify a metric name");
  for (const auto& fault : kube::path_segment_faults(name))
    errors.invalid(metric["name"].path(), go_quoted(name), fault);
}

void check_object(const HpaField& source, bool checks_version, FieldErrors& errors) {
  validate_reference(source["describedObject"], checks_version, true, errors);
  check_identifier(source["metric"], errors);
  const auto target = source["target"];
  check_target(target, errors);
  if (!target["value"].present() && !target["averageValue"].present())
    errors.required(target["averageValue"].path(), "must set either a target value or averageValue");
}

void check_external(const HpaField& source, FieldErrors& errors) {
  check_identifier(source["metric"], errors);
  const auto target = source["target"];
  check_target(target, errors);
  const bool value = target["value"].present();
  const bool average = target["averageValue"].present();
  if (!value && !average) {
    errors.required(target["averageValue"].path(),
                    "must set either a target value for metric or a per-pod target");
  }
  if (value && average) {
    errors.forbidden(target["value"].path(),
                     "may not set both a target value for metric and a per-pod target");
  }
}

void check_pods(const HpaField& source, FieldErrors& errors) {
  check_identifier(source["metric"], errors);
  const auto target = source["target"];
  check_target(target, errors);
  if (!target["averageValue"].present())
    errors.required(target["averageValue"].path(), "must specify a positive target averageValue");
}

// The name of a resource that a container may ask for.
void check_container_resource(const std::string& name, const std::string& path, FieldErrors& errors) {
  const auto quoted = kube::go_json_quoted(name);
  const auto faults = kube::label_key_faults(name);
  for (const auto& fault : faults)
    errors.invalid(path, quoted, fault);
  if (!name.contains('/')) {
    const bool pages = name.starts_with("hugepages-");
    const bool standard = pages || name.starts_with("requests.hugepages-") || among(name, standard_resources);
    if (faults.empty() && !standard)
      errors.invalid(path, quoted, "must be a standard resource type or fully qualified");
    const bool of_container = pages || name == "cpu" || name == "memory" || name == "ephemeral-storage";
    if (!of_container) errors.invalid(path, quoted, "must be a standard resource for containers");
    return;
  }
  // Exactly one / has a name and a prefix; more of them are no standard name either.
  const bool extended = !name.starts_with("requests.") && kube::label_key_faults("requests." + name).empty();
  if (!name.contains("kubernetes.io/") && !extended)
    errors.invalid(path, quoted, "doesn't follow extended resource name standard");
}

void check_resource(const HpaField& source, bool of_container, FieldErrors& errors) {
  const auto name = source["name"].text();
  if (name.empty()) {
    errors.required(source["name"].path(), "must specify a resource name");
  } else if (of_container) {
    check_container_resource(name, source["name"].path(), errors);
  }
  if (of_container) {
    const auto container = source["container"].text();
    if (container.empty()) {
      errors.required(source["container"].path(), "must specify a container");
    } else {
      for (const auto& fault : kube::dns_label_faults(container))
        errors.invalid(source["container"].path(), go_quoted(container), fault);
    }
  }
  const auto target = source["target"];
  check_target(target, errors);
  const bool utilization = target["averageUtilization"].present();
  const bool average = target["averageValue"].present();
  if (!utilization && !average) {
    errors.required(target["averageUtilization"].path(),
                    "must set either a target raw value or a target utilization");
  }
  if (utilization && average) {
    errors.forbidden(target["averageValue"].path(),
                     "may not set both a target raw value and a target utilization");
  }
}

void check_source(const HpaField& metric, std::string_view field, bool checks_version, FieldErrors& errors) {
  const auto source = metric[field];
  if (field == "object") {
    check_object(source, checks_version, errors);
  } else if (field == "external") {
    check_external(source, errors);
  } else if (field == "pods") {
    check_pods(source, errors);
  } else {
    check_resource(source, field == "containerResource", errors);
  }
}

void check_metric(const HpaField& metric, bool checks_version, FieldErrors& errors) {
  const auto type = metric["type"].text();
  const auto unsupported = [&] {
    errors.unsupported(metric["type"].path(), kube::go_json_quoted(type), source_types);
  };
  if (type.empty()) errors.required(metric["type"].path(), "must specify a metric source type");
  const bool known = among(type, source_types);
  if (!known) unsupported();
  std::size_t there = 0;
  for (const auto& source : sources) {
    if (!metric[source.field].present()) continue;
    // Only the first is looked into.
    if (++there == 1) check_source(metric, source.field, checks_version, errors);
  }
  for (const auto& source : sources) {
    if (source.type == type && !metric[source.field].present()) {
      errors.required(metric[source.field].path(), "must populate information for the given metric source");
    }
  }
  if (!known) unsupported();
  if (there == 1) return;
  for (const auto& source : sources) {
    if (metric[source.field].present() && source.type != type)
      errors.forbidden(metric[source.field].path(), "must populate the given metric source only");
  }
}

}  // namespace

void validate_reference(const HpaField& reference, bool checks_version, bool groupless, FieldErrors& errors) {
  for (const auto* name : {"kind", "name"}) {
    const auto field = reference[name];
    const auto text = field.text();
    if (text.empty()) errors.required(field.path(), "");
    for (const auto& fault : kube::path_segment_faults(text))
      errors.invalid(field.path(), go_quoted(text), fault);
  }
  if (!checks_version) return;
  const auto field = reference["apiVersion"];
  const auto version = field.text();
  const auto slashes = std::ranges::count(version, '/');
  if (slashes > 1) {
    errors.invalid(field.path(), go_quoted(version),
                   fmt::format("unexpected GroupVersion string: {}", version));
  } else if (!groupless && (slashes == 0 || version.starts_with('/'))) {
    errors.invalid(field.path(), go_quoted(version), "apiVersion must specify API group");
  }
}

void validate_metrics(const HpaField& metrics, bool from_zero, bool checks_version, FieldErrors& errors) {
  bool counts_objects = false;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    check_metric(metrics[i], checks_version, errors);
    const auto type = metrics[i]["type"].text();
    counts_objects = counts_objects || type == "Object" || type == "External";
  }
  if (from_zero && !counts_objects) {
    errors.forbidden(
        metrics.path(),
        "must specify at least one Object or External metric to support scaling to zero replicas");
  }
}

}  // namespace fluxmetrics::hpa
