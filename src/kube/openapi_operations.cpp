#include "kube/openapi_operations.hpp"

#include <fmt/format.h>
#include <span>
#include <string>
#include <vector>

#include <boost/json/array.hpp>

#include "kube/encoding.hpp"

namespace fluxmetrics::kube {
namespace {

using boost::json::array;
using boost::json::object;

struct Parameter {
  const char* place;  // "path" or "query"
  const char* name;
  const char* type;
  const char* description;
};

constexpr Parameter in_namespace{"path", "namespace", "string", "The namespace of the objects."};
constexpr Parameter resource{"path", "resource", "string",
                             "The objects' resource, as services or jobs.batch."};
constexpr Parameter object_name{"path", "name", "string", "The object's name, or * for all objects."};
constexpr Parameter metric{"path", "subresource", "string",
                           "The metric's name, as the list of resources has it."};
constexpr Parameter namespace_metric{"path", "name", "string",
                                     "The metric's name, as the list of resources has it."};
constexpr Parameter external_metric{"path", "resource", "string",
                                    "The metric's name, as the list of resources has it."};
constexpr Parameter pretty{"query", "pretty", "string", "Whether JSON is indented: true or false."};
constexpr Parameter labels{"query", "labelSelector", "string", "Only objects or series with these labels."};
constexpr Parameter metric_labels{"query", "metricLabelSelector", "string",
                                  "Only series of the metric with these labels."};
constexpr Parameter fields{"query", "fieldSelector", "string",
                           "Only objects with this metadata.name or metadata.namespace."};

object written(const Parameter& parameter, Dialect dialect) {
  object out = {{"name", parameter.name}, {"in", parameter.place}, {"description", parameter.description}};
  if (std::string_view(parameter.place) == "path") out["required"] = true;
  if (dialect == Dialect::swagger) {
    out["type"] = parameter.type;
  } else {
    out["schema"] = object{{"type", parameter.type}};
  }
  return out;
}

object answered_with(std::string_view schema, Dialect dialect) {
  object out = {{"description", "OK"}};
  if (dialect == Dialect::swagger) {
    out["schema"] = reference_to(schema, dialect);
    return out;
  }
  object content;
  for (const auto format : {Format::json, Format::yaml, Format::protobuf})
    content[media_type(format)] = object{{"schema", reference_to(schema, dialect)}};
  out["content"] = std::move(content);
  return out;
}

// "/apis/..." -> {"get": {...}}
object path_item(const std::string& id, std::string_view description, std::span<const Parameter> parameters,
                 std::string_view schema, Dialect dialect) {
  array written_parameters;
  for (const auto& parameter : parameters)
    written_parameters.push_back(written(parameter, dialect));
  object get = {{"description", description}, {"operationId", id}};
  if (dialect == Dialect::swagger) {
    get["produces"] = array{media_type(Format::json), media_type(Format::yaml), media_type(Format::protobuf)};
    get["schemes"] = array{"https"};
  }
  get["parameters"] = std::move(written_parameters);
  get["responses"] =
      object{{"200", answered_with(schema, dialect)}, {"401", object{{"description", "Unauthorized"}}}};
  return {{"get", std::move(get)}};
}

// "v1beta2" -> "V1beta2", for the names of operations.
std::string capitalized(std::string text) {
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace

object openapi_paths(const MetricsApi& api, Dialect dialect) {
  const bool external = api.group == external_metrics_group;
  const auto root = fmt::format("/apis/{}/{}/", api.group, api.version);
  const auto id =
      fmt::format("{}Metrics{}", external ? "External" : "Custom", capitalized(std::string(api.version)));
  const auto list = list_schema(api);
  object paths;
  paths[root] = path_item("list" + id + "Resources", "Lists the metrics that there are.", {},
                          resource_list_schema, dialect);
  if (external) {
    paths[root + "namespaces/{namespace}/{resource}"] =
        path_item("list" + id, "Reads the series of a metric.",
                  std::vector{in_namespace, external_metric, labels, pretty}, list, dialect);
    return paths;
  }
  paths[root + "{resource}/{name}/{subresource}"] = path_item(
      "list" + id, "Reads a metric of objects outside namespaces.",
      std::vector{resource, object_name, metric, labels, metric_labels, fields, pretty}, list, dialect);
  paths[root + "namespaces/{namespace}/{resource}/{name}/{subresource}"] = path_item(
      "list" + id + "Namespaced", "Reads a metric of objects in a namespace.",
      std::vector{in_namespace, resource, object_name, metric, labels, metric_labels, fields, pretty}, list,
      dialect);
  paths[root + "namespaces/{namespace}/metrics/{name}"] =
      path_item("list" + id + "OfNamespace", "Reads a metric of a namespace itself.",
                std::vector{in_namespace, namespace_metric, metric_labels, pretty}, list, dialect);
  return paths;
}

}  // namespace fluxmetrics::kube
