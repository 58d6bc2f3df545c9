#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "kube/discovery.hpp"
#include "kube/json.hpp"
#include "kube/metric_value.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::kube {
namespace {

TEST(Json, EscapesAsGoDoes) {
  EXPECT_EQ(go_json("<a & \"b\">\\\n\t\b\f\x01\x7f"),
            "\"\\u003ca \\u0026 \\\"b\\\"\\u003e\\\\\\n\\t\\b\\f\\u0001\x7f\"");
  EXPECT_EQ(go_json("\xe2\x80\xa8\xe2\x80\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\\u2028\\u2029\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(go_json("\xff|\xc0\x80|\xed\xa0\x80|\xe2\x82"),
            R"("\ufffd|\ufffd\ufffd|\ufffd\ufffd\ufffd|\ufffd\ufffd")");
}

TEST(Json, KeepsTheOrderOfKeysInBothLayouts) {
  const auto value =
      boost::json::parse(R"({"z":1,"a":[true,null,{"k":-2}],"e":{},"f":[],"u":18446744073709551615})");
  EXPECT_EQ(go_json(value), R"({"z":1,"a":[true,null,{"k":-2}],"e":{},"f":[],"u":18446744073709551615})");
  EXPECT_EQ(
      go_json(value, Layout::pretty),
      "{\n  \"z\": 1,\n  \"a\": [\n    true,\n    null,\n    {\n      \"k\": -2\n    }\n  ],\n  \"e\": {},\n"
      "  \"f\": [],\n  \"u\": 18446744073709551615\n}");
  EXPECT_EQ(json_body(1, Layout::compact), "1\n");
  EXPECT_EQ(json_body(1, Layout::pretty), "1");
}

TEST(Json, QuotesAsGoDoes) {
  EXPECT_EQ(go_quote("a\"\\\n\x01\xc3\xa9\xff"), "\"a\\\"\\\\\\n\\x01\xc3\xa9\\xff\"");
}

TEST(Status, HasTheKeysInGosOrder) {
  EXPECT_EQ(
      encode(to_object({.code = 404, .reason = "NotFound", .message = "no <x>", .empty_details = true}), {}),
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no \u003cx\u003e",)"
      R"("reason":"NotFound","details":{},"code":404})"
      "\n");
  EXPECT_EQ(encode(to_object({.code = 500, .message = "m"}), {}),
            R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"m","code":500})"
            "\n");
  const auto response = to_response({.code = 406, .message = "m"}, {.layout = Layout::pretty});
  EXPECT_EQ(response.status, 406);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_TRUE(response.body->ends_with("\"code\": 406\n}")) << *response.body;
}

TEST(Discovery, NamesGroupsVersionsAndResources) {
  const ApiGroup group{.name = "custom.metrics.k8s.io",
                       .versions = {{.name = "v1beta2"}, {.name = "v1beta1"}}};
  const std::string versions =
      R"("versions":[{"groupVersion":"custom.metrics.k8s.io/v1beta2","version":"v1beta2"},)"
      R"({"groupVersion":"custom.metrics.k8s.io/v1beta1","version":"v1beta1"}],)"
      R"("preferredVersion":{"groupVersion":"custom.metrics.k8s.io/v1beta2","version":"v1beta2"})";
  EXPECT_EQ(go_json(api_group(group)),
            R"({"kind":"APIGroup","apiVersion":"v1","name":"custom.metrics.k8s.io",)" + versions + "}");
  EXPECT_EQ(go_json(api_group_list(std::vector{group}, ":6443")),
            R"({"kind":"APIGroupList","groups":[{"name":"custom.metrics.k8s.io",)" + versions +
                R"(,"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":":6443"}]}]})");
  const ApiVersion version{
      .name = "v1beta2",
      .resources = {{.name = "services/a", .namespaced = true, .kind = "MetricValueList"},
                    {.name = "namespaces/a", .namespaced = false, .kind = "MetricValueList"}}};
  EXPECT_EQ(
      go_json(api_resource_list(group, version)),
      R"({"kind":"APIResourceList","apiVersion":"v1","groupVersion":"custom.metrics.k8s.io/v1beta2","resources":[)"
      R"({"name":"services/a","singularName":"","namespaced":true,"kind":"MetricValueList","verbs":["get"]},)"
      R"({"name":"namespaces/a","singularName":"","namespaced":false,"kind":"MetricValueList","verbs":["get"]}]})");
}

TEST(Discovery, PutsSubresourcesBelowTheirParents) {
  const ApiGroup custom{
      .name = "custom.metrics.k8s.io",
      .versions = {{.name = "v1beta2",
                    .resources = {{.name = "services/a", .namespaced = true, .kind = "MetricValueList"},
                                  {.name = "namespaces/a", .namespaced = false, .kind = "MetricValueList"},
                                  {.name = "services/b", .namespaced = true, .kind = "MetricValueList"}}}}};
  const ApiGroup external{
      .name = "external.metrics.k8s.io",
      .versions = {{.name = "v1beta1", .resources = {{.name = "m", .kind = "ExternalMetricValueList"}}}}};
  const auto subresource = [](const char* name) {
    return fmt::format(
        R"({{"subresource":"{}","responseKind":{{"group":"","version":"","kind":"MetricValueList"}},"verbs":["get"]}})",
        name);
  };
  const std::string no_kind = R"("responseKind":{"group":"","version":"","kind":""})";
  EXPECT_EQ(
      go_json(api_group_discovery_list("v2", std::vector{custom, external})),
      R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[)"
      R"({"metadata":{"name":"custom.metrics.k8s.io"},"versions":[{"version":"v1beta2","resources":[)"
      R"({"resource":"services",)" +
          no_kind + R"(,"scope":"Namespaced","singularResource":"","verbs":[],"subresources":[)" +
          subresource("a") + "," + subresource("b") + R"(]},{"resource":"namespaces",)" + no_kind +
          R"(,"scope":"Cluster","singularResource":"","verbs":[],"subresources":[)" + subresource("a") +
          R"(]}],"freshness":"Current"}]},{"metadata":{"name":"external.metrics.k8s.io"},"versions":[)"
          R"({"version":"v1beta1","resources":[{"resource":"m","responseKind":{"group":"","version":"",)"
          R"("kind":"ExternalMetricValueList"},"scope":"Namespaced","singularResource":"","verbs":["get"]}],)"
          R"("freshness":"Current"}]}]})");
}

TEST(MetricValue, OfAnExternalMetricHasLabels) {
  ExternalMetricValue series{
      .metric = "flux_nodes", .labels = {}, .timestamp = "2026-11-22T03:50:27Z", .value = "4"};
  const std::string head =
      R"({"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[)";
  EXPECT_EQ(go_json(external_metric_value_list({})), head + "]}");
  EXPECT_EQ(
      go_json(external_metric_value_list(std::vector{series})),
      head +
          R"({"metricName":"flux_nodes","metricLabels":{},"timestamp":"2026-11-22T03:50:27Z","value":"4"}]})");
  series.labels = {{"state", "up"}};
  EXPECT_TRUE(
      go_json(external_metric_value_list(std::vector{series})).contains(R"("metricLabels":{"state":"up"})"));
}

TEST(MetricValue, HasBothShapes) {
  MetricValue value{.object = {.kind = "Service", .namespace_ = "default", .name = "svc1"},
                    .metric = "qps",
                    .timestamp = "2026-11-22T03:50:27Z",
                    .value = "1500m",
                    .selector = nullptr};
  EXPECT_EQ(
      go_json(metric_value_list(MetricsVersion::v1beta2, std::vector{value})),
      R"({"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[)"
      R"({"describedObject":{"kind":"Service","namespace":"default","name":"svc1","apiVersion":"v1"},)"
      R"("metric":{"name":"qps","selector":null},"timestamp":"2026-11-22T03:50:27Z","value":"1500m"}]})");
  value.object = {.kind = "Namespace", .namespace_ = "", .name = "default"};
  value.selector = boost::json::object{{"matchLabels", boost::json::object{{"color", "red"}}}};
  EXPECT_EQ(
      go_json(metric_value_list(MetricsVersion::v1beta1, std::vector{value})),
      R"({"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[)"
      R"({"describedObject":{"kind":"Namespace","name":"default","apiVersion":"v1"},"metricName":"qps",)"
      R"("timestamp":"2026-11-22T03:50:27Z","value":"1500m","selector":{"matchLabels":{"color":"red"}}}]})");
  EXPECT_EQ(
      go_json(metric_value_list(MetricsVersion::v1beta2, {})),
      R"({"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[]})");
}

}  // namespace
}  // namespace fluxmetrics::kube
