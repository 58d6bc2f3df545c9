#include "kube/openapi_schemas.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

namespace fluxmetrics::kube {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view list_meta = "org.flux-framework.metrics.v1.ListMeta";
constexpr std::string_view object_reference = "org.flux-framework.metrics.v1.ObjectReference";
constexpr std::string_view label_selector = "org.flux-framework.metrics.v1.LabelSelector";
constexpr std::string_view label_requirement = "org.flux-framework.metrics.v1.LabelSelectorRequirement";
constexpr std::string_view api_resource = "org.flux-framework.metrics.v1.APIResource";

bool is_external(const MetricsApi& api) {
  return api.group == external_metrics_group;
}

// "io.k8s.metrics.pkg.apis.custom_metrics.v1beta2.MetricValue"
std::string own_schema(const MetricsApi& api, std::string_view kind) {
  return fmt::format("io.k8s.metrics.pkg.apis.{}_metrics.{}.{}", is_external(api) ? "external" : "custom",
                     api.version, kind);
}

std::string value_schema(const MetricsApi& api) {
  return own_schema(api, is_external(api) ? "ExternalMetricValue" : "MetricValue");
}

object text(std::string_view description) {
  return {{"description", description}, {"type", "string"}};
}

object integer(std::string_view description) {
  return {{"description", description}, {"type", "integer"}, {"format", "int64"}};
}

object time(std::string_view description) {
  return {{"description", description}, {"type", "string"}, {"format", "date-time"}};
}

object list_of(std::string_view description, object items) {
  return {{"description", description}, {"type", "array"}, {"items", std::move(items)}};
}

object text_map(std::string_view description) {
  return {
      {"description", description}, {"type", "object"}, {"additionalProperties", object{{"type", "string"}}}};
}

object schema(std::string_view description, object properties, array required = {}) {
  object out = {{"description", description}, {"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

// kind and apiVersion, which every whole object has.
object typed(object properties) {
  properties["kind"] = text("What this object is.");
  properties["apiVersion"] = text("The group and version of the API that it belongs to.");
  return properties;
}

object list_schema_of(const MetricsApi& api, Dialect dialect) {
  auto list = schema("A list of metric values, all read at the same moment.",
                     typed({{"metadata", reference_to(list_meta, dialect)},
                            {"items", list_of("The values.", reference_to(value_schema(api), dialect))}}),
                     {"items"});
  list["x-kubernetes-group-version-kind"] =
      array{object{{"group", api.group},
                   {"kind", is_external(api) ? "ExternalMetricValueList" : "MetricValueList"},
                   {"version", api.version}}};
  return list;
}

constexpr const char* about_timestamp = "When Flux last confirmed the value.";
constexpr const char* about_value = "The value as a quantity: 4, 1500m or 2k.";
constexpr const char* about_window =
    "The seconds over which the value was measured; missing for a momentary one.";

object custom_value(const MetricsApi& api, Dialect dialect) {
  object properties = {{"describedObject", reference_to(object_reference, dialect)},
                       {"timestamp", time(about_timestamp)},
                       {"value", text(about_value)}};
  array required = {"describedObject", "timestamp", "value"};
  if (api.version == "v1beta1") {
    properties["metricName"] = text("The name of the metric.");
    properties["window"] = integer(about_window);
    properties["selector"] = reference_to(label_selector, dialect);
    required.emplace_back("metricName");
  } else {
    properties["metric"] = reference_to(own_schema(api, "MetricIdentifier"), dialect);
    properties["windowSeconds"] = integer(about_window);
    required.emplace_back("metric");
  }
  return schema("The value of a metric for one object.", std::move(properties), std::move(required));
}

object external_value() {
  return schema(
      "The value of one series of a metric that belongs to no object.",
      {{"metricName", text("The name of the metric.")},
       {"metricLabels", text_map("The labels that tell this series from the others of the metric.")},
       {"timestamp", time(about_timestamp)},
       {"window", integer(about_window)},
       {"value", text(about_value)}},
      {"metricName", "metricLabels", "timestamp", "value"});
}

void add_custom(const MetricsApi& api, Dialect dialect, object& schemas) {
  schemas[value_schema(api)] = custom_value(api, dialect);
  if (api.version == "v1beta2") {
    schemas[own_schema(api, "MetricIdentifier")] = schema(
        "Which metric a value belongs to.",
        {{"name", text("The name of the metric.")}, {"selector", reference_to(label_selector, dialect)}},
        {"name"});
  }
  schemas[object_reference] = schema("The object that a value describes.",
                                     {{"kind", text("The object's kind.")},
                                      {"namespace", text("The object's namespace, if it has one.")},
                                      {"name", text("The object's name.")},
                                      {"apiVersion", text("The group and version of the object's kind.")}});
  schemas[label_selector] = schema(
      "The labels that the request's metricLabelSelector asked for.",
      {{"matchLabels", text_map("Labels that must have exactly these values.")},
       {"matchExpressions",
        list_of("Other requirements, all of which must hold.", reference_to(label_requirement, dialect))}});
  schemas[label_requirement] =
      schema("One requirement on a label.",
             {{"key", text("The label's name.")},
              {"operator", text("In, NotIn, Exists or DoesNotExist.")},
              {"values", list_of("What In and NotIn compare with.", object{{"type", "string"}})}},
             {"key", "operator"});
}

void add_discovery(Dialect dialect, object& schemas) {
  schemas[resource_list_schema] = schema(
      "The metrics that there are.",
      typed({{"groupVersion", text("The group and version that these belong to.")},
             {"resources",
              list_of("One for each metric and kind of object.", reference_to(api_resource, dialect))}}),
      {"groupVersion", "resources"});
  schemas[api_resource] =
      schema("A metric, and the kind of object it describes.",
             {{"name", text("RESOURCE/METRIC, or METRIC alone where it describes no object.")},
              {"singularName", text("Always empty.")},
              {"namespaced",
               object{{"description", "Whether the objects live in namespaces."}, {"type", "boolean"}}},
              {"kind", text("The kind of the answer.")},
              {"verbs", list_of("What can be done with it.", object{{"type", "string"}})}},
             {"name", "singularName", "namespaced", "kind", "verbs"});
}

}  // namespace

object reference_to(std::string_view schema, Dialect dialect) {
  const auto* const place = dialect == Dialect::swagger ? "#/definitions/" : "#/components/schemas/";
  return {{"$ref", fmt::format("{}{}", place, schema)}};
}

std::string list_schema(const MetricsApi& api) {
  return own_schema(api, is_external(api) ? "ExternalMetricValueList" : "MetricValueList");
}

object openapi_schemas(const MetricsApi& api, Dialect dialect) {
  object schemas;
  schemas[list_schema(api)] = list_schema_of(api, dialect);
  if (is_external(api)) {
    schemas[value_schema(api)] = external_value();
  } else {
    add_custom(api, dialect, schemas);
  }
  schemas[list_meta] = schema("About the list itself; always empty here.",
                              {{"continue", text("Always empty: lists come whole.")},
                               {"resourceVersion", text("Always empty: lists cannot be watched.")}});
  add_discovery(dialect, schemas);
  return schemas;
}

}  // namespace fluxmetrics::kube
