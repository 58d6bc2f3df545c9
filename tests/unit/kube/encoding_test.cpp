#include "kube/encoding.hpp"

#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "kube/discovery.hpp"
#include "kube/go_yaml.hpp"
#include "kube/metric_value.hpp"
#include "kube/protobuf.hpp"
#include "kube/protobuf_messages.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::kube {
namespace {

using boost::json::object;
using boost::json::parse;

// The bytes of the captured protobuf answer whose URL ends so: lines of "00000010: 6d65 7472 ...  text".
std::string captured(std::string_view url_end) {
  std::ifstream file(TEST_DATA "/k8s-captures/pb.txt");
  std::string line;
  std::string bytes;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line.starts_with("#####")) inside = line.ends_with(url_end);
    if (!inside || line.find(": ") != 8) continue;
    const auto hex = line.substr(10, 39);
    for (std::size_t i = 0; i + 1 < hex.size(); ++i) {
      if (hex[i] == ' ') continue;
      bytes += static_cast<char>((*hex_digit(hex[i]) * 16) + *hex_digit(hex[i + 1]));
      ++i;
    }
  }
  EXPECT_FALSE(bytes.empty()) << url_end;
  return bytes;
}

MetricValue red_pod() {
  return {.object = {.kind = "Pod", .namespace_ = "default", .name = "web-1", .api_version = "/v1"},
          .metric = "qps",
          .timestamp = "2026-11-22T03:50:27Z",
          .value = "2Ki",
          .selector = parse(R"({"matchLabels":{"color":"red"}})")};
}

TEST(Protobuf, IsWhatTheGoServerSends) {
  const std::vector values{red_pod()};
  for (const auto version : {MetricsVersion::v1beta1, MetricsVersion::v1beta2}) {
    EXPECT_EQ(to_protobuf(metric_value_list(version, values)),
              captured(std::string(to_string(version)) +
                       "/namespaces/default/pods/web-1/qps?metricLabelSelector=color%3Dred"));
  }
  const std::vector series{ExternalMetricValue{.metric = "my-external-metric",
                                               .labels = {{"foo", "bar"}},
                                               .timestamp = "2026-11-22T03:52:29Z",
                                               .value = "42"}};
  EXPECT_EQ(to_protobuf(external_metric_value_list(series)),
            captured("my-external-metric?labelSelector=foo%3Dbar"));
  EXPECT_EQ(to_protobuf(to_object({.code = 404,
                                   .reason = "NotFound",
                                   .message = "the server could not find the metric qps for pods zzz"})),
            captured("/pods/zzz/qps"));
}

TEST(Protobuf, HasDiscoveryToo) {
  const ApiGroup custom{.name = "custom.metrics.k8s.io", .versions = {{.name = "v1beta1"}}};
  const ApiGroup external{.name = "external.metrics.k8s.io", .versions = {{.name = "v1beta1"}}};
  EXPECT_EQ(to_protobuf(api_group_list(std::vector{custom, external}, ":16443")), captured("/apis"));
  EXPECT_EQ(to_protobuf(api_group(custom)), captured("/apis/custom.metrics.k8s.io"));
  const ApiVersion version{
      .name = "v1beta2",
      .resources = {{.name = "/custommetrics", .namespaced = false, .kind = "MetricValueList"}}};
  EXPECT_EQ(to_protobuf(api_resource_list(custom, version)), captured("/apis/custom.metrics.k8s.io/v1beta2"));
  const auto all = to_protobuf(api_group_discovery_list("v2", {}));
  using namespace std::string_literals;
  EXPECT_EQ(all,
            "k8s\0\n/\n\x16"
            "apidiscovery.k8s.io/v2\x12\x15"
            "APIGroupDiscoveryList\x12\x08\n\x06\n\0\x12\0\x1a\0\x1a\0\"\0"s);
}

TEST(Protobuf, WritesEveryKindOfField) {
  auto value = red_pod();
  value.timestamp = "no time";
  value.selector = parse(R"({"matchExpressions":[{"key":"a","operator":"In","values":["x","y"]}]})");
  const auto bytes = to_protobuf(metric_value_list(MetricsVersion::v1beta2, std::vector{value}));
  using namespace std::string_literals;
  EXPECT_TRUE(
      bytes.contains("\x12\x0f\x12\x0d\n\x01"
                     "a\x12\x02In\x1a\x01x\x1a\x01y"s))
      << "a requirement";
  EXPECT_TRUE(
      bytes.contains("\x1a\0\x2a\x05\n\x03"
                     "2Ki"s))
      << "the zero time is empty";

  const auto details =
      to_protobuf(to_object({.code = 403, .details = {.name = "n", .group = "g", .kind = "k"}}));
  EXPECT_TRUE(details.contains("\x2a\x0d\n\x01n\x12\x01g\x1a\x01k\x28\0\x32\0\x30\x93\x03"s));
  const auto negative = to_protobuf(parse(R"({"kind":"Status","apiVersion":"v1","code":-1})"));
  EXPECT_TRUE(negative.contains("\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  EXPECT_EQ(to_protobuf(parse(R"({"kind":"Other","apiVersion":"v1"})")),
            "k8s\0\n\x0b\n\x02v1\x12\x05Other\x12\0\x1a\0\"\0"s);
  EXPECT_EQ(to_protobuf(nullptr), "k8s\0\n\x04\n\0\x12\0\x12\0\x1a\0\"\0"s);
}

TEST(Yaml, IsWhatTheGoServerSends) {
  auto value = red_pod();
  value.object.name = "web-0";
  value.value = "1500m";
  value.selector = nullptr;
  EXPECT_EQ(go_yaml(metric_value_list(MetricsVersion::v1beta2, std::vector{value})),
            "apiVersion: custom.metrics.k8s.io/v1beta2\n"
            "items:\n"
            "- describedObject:\n"
            "    apiVersion: /v1\n"
            "    kind: Pod\n"
            "    name: web-0\n"
            "    namespace: default\n"
            "  metric:\n"
            "    name: qps\n"
            "    selector: null\n"
            "  timestamp: \"2026-11-22T03:50:27Z\"\n"
            "  value: 1500m\n"
            "kind: MetricValueList\n"
            "metadata: {}\n");
}

TEST(Yaml, QuotesOnlyWhatWouldReadAsSomethingElse) {
  const auto written = [](std::string_view text) {
    auto yaml = go_yaml(boost::json::string(text));
    yaml.pop_back();
    return yaml;
  };
  for (const char* plain :
       {"a", "1500m", "2Ki", "10.0.0.1", "a b", "a:b", "a#b", "-x", "batch/v1", "0x", "yesno", "v1"})
    EXPECT_EQ(written(plain), plain);
  for (const char* read_otherwise : {"", "4", "-4", "1e3", ".5", "0x1F", "true", "False", "NO", "on", "null",
                                     "~", "2026-11-22", "1:30", "1_000"})
    EXPECT_EQ(written(read_otherwise), fmt::format("\"{}\"", read_otherwise));
  for (const char* syntax :
       {"*", "a: b", "a #b", "- a", "[a", "{a", " a", "a ", "x:", "---", "#a", "@a", "'a", "\"a\""}) {
    std::string doubled;
    for (const char* c = syntax; *c != '\0'; ++c)
      doubled += *c == '\'' ? "''" : std::string(1, *c);
    EXPECT_EQ(written(syntax), "'" + doubled + "'");
  }
  EXPECT_EQ(written("a\tb\x01\"\\\x7f"), "\"a\\tb\\x01\\\"\\\\\\x7F\"");
  EXPECT_EQ(written("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(go_yaml(object{{"m", "a\n\nb"}, {"n", "x\n"}, {"o", "x\n\n"}, {"p", "a \nb"}}),
            "m: |-\n  a\n\n  b\n\"n\": |\n  x\no: |+\n  x\n\np: \"a \\nb\"\n");
}

TEST(Yaml, NestsAsGoDoes) {
  EXPECT_EQ(go_yaml(parse(R"({"b":[[1,2],[],{"x":true,"a":{}}],"a":{"k":null},"c":[{"y":["z"]}]})")),
            "a:\n  k: null\nb:\n- - 1\n  - 2\n- []\n- a: {}\n  x: true\nc:\n- \"y\":\n  - z\n");
}

TEST(Encoding, HasOneMediaTypeAFormat) {
  const auto status = to_object({.code = 404, .reason = "NotFound", .message = "m"});
  EXPECT_EQ(media_type(Format::json), "application/json");
  EXPECT_EQ(media_type(Format::yaml), "application/yaml");
  EXPECT_EQ(media_type(Format::protobuf), "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(encode(status, {}), json_body(status, Layout::compact));
  EXPECT_EQ(encode(status, {.layout = Layout::pretty}), json_body(status, Layout::pretty));
  EXPECT_EQ(encode(status, {.format = Format::yaml, .layout = Layout::pretty}), go_yaml(status));
  EXPECT_EQ(encode(status, {.format = Format::protobuf}), to_protobuf(status));
  const auto response = to_response({.code = 404, .message = "m"}, {.format = Format::yaml});
  EXPECT_EQ(response.content_type, "application/yaml");
  EXPECT_EQ(*response.body,
            "apiVersion: v1\ncode: 404\nkind: Status\nmessage: m\nmetadata: {}\nstatus: Failure\n");
}

}  // namespace
}  // namespace fluxmetrics::kube
