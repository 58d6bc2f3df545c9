// Structural checks of the OpenAPI documents: what an aggregator does not survive must not be in them.
#include "kube/openapi.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace fluxmetrics::kube {
namespace {

namespace json = boost::json;

// Every "$ref" below `value`.
void collect_references(const json::value& value, std::set<std::string>& found) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      if (key == "$ref") found.insert(std::string(member.as_string()));
      collect_references(member, found);
    }
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array)
      collect_references(item, found);
  }
}

// Keys of schemas that Swagger 2.0 knows; anything else breaks the cluster's own protobuf document.
void check_schema(const json::value& schema, const std::string& where) {
  static const std::set<std::string_view> allowed = {"$ref",
                                                     "description",
                                                     "type",
                                                     "format",
                                                     "properties",
                                                     "items",
                                                     "additionalProperties",
                                                     "required",
                                                     "x-kubernetes-group-version-kind"};
  static const std::set<std::string_view> types = {"object", "array", "string", "integer", "boolean"};
  const auto& object = schema.as_object();
  for (const auto& member : object)
    EXPECT_TRUE(allowed.contains(std::string_view(member.key()))) << where << ": " << member.key();
  if (object.contains("$ref")) {
    EXPECT_EQ(object.size(), 1U) << where << ": $ref stands alone";
    return;
  }
  ASSERT_TRUE(object.contains("type")) << where;
  const auto type = std::string_view(object.at("type").as_string());
  EXPECT_TRUE(types.contains(type)) << where;
  EXPECT_EQ(type == "array", object.contains("items")) << where;
  if (const auto* items = object.if_contains("items")) check_schema(*items, where + "[]");
  if (const auto* more = object.if_contains("additionalProperties")) check_schema(*more, where + "{}");
  const auto* properties = object.if_contains("properties");
  if (properties != nullptr) {
    for (const auto& [name, property] : properties->as_object())
      check_schema(property, where + "." + std::string(name));
  }
  if (const auto* required = object.if_contains("required")) {
    ASSERT_FALSE(required->as_array().empty()) << where;
    for (const auto& name : required->as_array())
      EXPECT_TRUE(properties->as_object().contains(name.as_string())) << where << ": " << name;
  }
}

// The names in {braces} of a path.
std::multiset<std::string> placeholders(std::string_view path) {
  std::multiset<std::string> names;
  for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1))
    names.insert(std::string(path.substr(open + 1, path.find('}', open) - open - 1)));
  return names;
}

// `swagger`: whether parameters and responses are written as 2.0 has it.
void check_operation(const std::string& path, const json::object& operation, bool swagger,
                     std::set<std::string>& ids) {
  EXPECT_TRUE(ids.insert(std::string(operation.at("operationId").as_string())).second)
      << path << ": its id is taken";
  EXPECT_FALSE(operation.at("description").as_string().empty()) << path;
  std::multiset<std::string> in_path;
  std::set<std::string> names;
  for (const auto& value : operation.at("parameters").as_array()) {
    const auto& parameter = value.as_object();
    const auto& place = parameter.at("in").as_string();
    EXPECT_TRUE(place == "path" || place == "query") << path;
    EXPECT_TRUE(names.insert(std::string(parameter.at("name").as_string())).second) << path;
    EXPECT_EQ(parameter.contains("type"), swagger) << path;
    EXPECT_EQ(parameter.contains("schema"), !swagger) << path;
    if (place != "path") continue;
    EXPECT_TRUE(parameter.at("required").as_bool()) << path;
    in_path.insert(std::string(parameter.at("name").as_string()));
  }
  EXPECT_EQ(in_path, placeholders(path)) << path;
  const auto& responses = operation.at("responses").as_object();
  ASSERT_TRUE(responses.contains("200")) << path;
  for (const auto& [code, response] : responses)
    EXPECT_FALSE(response.at("description").as_string().empty()) << path << " " << code;
  const auto& ok = responses.at("200").as_object();
  EXPECT_EQ(ok.contains("schema"), swagger) << path;
  EXPECT_EQ(ok.contains("content"), !swagger) << path;
}

void check_document(const json::object& document, const json::object& schemas, const std::string& place,
                    bool swagger) {
  EXPECT_FALSE(document.at("info").at("title").as_string().empty());
  EXPECT_EQ(document.at("info").at("version").as_string(), "v1.2.3");
  std::set<std::string> ids;
  for (const auto& [path, item] : document.at("paths").as_object()) {
    EXPECT_TRUE(path.starts_with("/apis/custom.metrics.k8s.io/v1beta") ||
                path.starts_with("/apis/external.metrics.k8s.io/v1beta1/"))
        << path;
    ASSERT_EQ(item.as_object().size(), 1U) << path;
    check_operation(path, item.at("get").as_object(), swagger, ids);
  }
  EXPECT_FALSE(ids.empty());
  std::set<std::string> references;
  collect_references(document, references);
  std::set<std::string> defined;
  for (const auto& [name, schema] : schemas) {
    check_schema(schema, name);
    defined.insert(place + std::string(name));
  }
  EXPECT_EQ(references, defined)
      << "every reference leads somewhere, and nothing is there that nobody refers to";
}

TEST(OpenApi, SwaggerIsWhole) {
  const auto document = swagger_document("1.2.3").as_object();
  EXPECT_EQ(document.at("swagger").as_string(), "2.0");
  EXPECT_EQ(document.at("paths").as_object().size(), 10U);
  check_document(document, document.at("definitions").as_object(), "#/definitions/", true);
}

TEST(OpenApi, EachVersionIsWhole) {
  for (const auto& api : metrics_apis) {
    const auto document = openapi_document(api, "1.2.3").as_object();
    EXPECT_EQ(document.at("openapi").as_string(), "3.0.0");
    const auto root = fmt::format("/apis/{}/{}/", api.group, api.version);
    for (const auto& [path, item] : document.at("paths").as_object())
      EXPECT_TRUE(path.starts_with(root)) << path;
    check_document(document, document.at("components").at("schemas").as_object(), "#/components/schemas/",
                   false);
  }
}

// The aggregator renames what has the name of one of the cluster's own types.
TEST(OpenApi, NamesAreOurOwn) {
  const auto document = swagger_document("1");
  for (const auto& [name, schema] : document.at("definitions").as_object()) {
    EXPECT_TRUE(name.starts_with("io.k8s.metrics.pkg.apis.custom_metrics.") ||
                name.starts_with("io.k8s.metrics.pkg.apis.external_metrics.") ||
                name.starts_with("org.flux-framework."))
        << name;
  }
}

TEST(OpenApi, NamesTheKindsOfItsLists) {
  std::set<std::string> kinds;
  const auto document = swagger_document("1");
  for (const auto& [name, schema] : document.at("definitions").as_object()) {
    const auto* extension = schema.as_object().if_contains("x-kubernetes-group-version-kind");
    if (extension == nullptr) continue;
    const auto& kind = extension->as_array().at(0).as_object();
    kinds.insert(fmt::format("{}/{} {}", std::string(kind.at("group").as_string()),
                             std::string(kind.at("version").as_string()),
                             std::string(kind.at("kind").as_string())));
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"custom.metrics.k8s.io/v1beta1 MetricValueList",
                                          "custom.metrics.k8s.io/v1beta2 MetricValueList",
                                          "external.metrics.k8s.io/v1beta1 ExternalMetricValueList"}));
}

}  // namespace
}  // namespace fluxmetrics::kube
