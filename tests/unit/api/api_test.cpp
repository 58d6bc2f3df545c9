#include "api/api.hpp"

#include <map>
#include <regex>
#include <set>

#include <boost/json/serialize.hpp>

#include "api/bench.hpp"
#include "metrics/rank_metrics.hpp"

namespace fluxmetrics::api {
namespace {

constexpr const char* aggregated_v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

TEST(Discovery, NeedsNoData) {
  Bench bench({.port = 8443});
  const std::string external =
      R"("name":"external.metrics.k8s.io","versions":[{"groupVersion":"external.metrics.k8s.io/v1beta1",)"
      R"("version":"v1beta1"}],"preferredVersion":{"groupVersion":"external.metrics.k8s.io/v1beta1",)"
      R"("version":"v1beta1"})";
  const std::string address =
      R"(,"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":":8443"}]})";
  const std::string versions =
      R"("name":"custom.metrics.k8s.io","versions":[{"groupVersion":"custom.metrics.k8s.io/v1beta2","version":"v1beta2"},)"
      R"({"groupVersion":"custom.metrics.k8s.io/v1beta1","version":"v1beta1"}],"preferredVersion":)"
      R"({"groupVersion":"custom.metrics.k8s.io/v1beta2","version":"v1beta2"})";
  EXPECT_EQ(*bench.get("/apis").body, R"({"kind":"APIGroupList","groups":[{)" + versions + address + ",{" +
                                          external + address + "]}\n");
  EXPECT_EQ(*bench.get("/apis/custom.metrics.k8s.io").body,
            R"({"kind":"APIGroup","apiVersion":"v1",)" + versions + "}\n");
  EXPECT_EQ(*bench.get("/apis/external.metrics.k8s.io").body,
            R"({"kind":"APIGroup","apiVersion":"v1",)" + external + "}\n");
}

// "services/node_up_count true" for each entry of a list.
std::set<std::string> entries_of(const http::Response& response, const std::string& kind) {
  std::set<std::string> entries;
  const auto list = boost::json::parse(*response.body);
  EXPECT_EQ(list.at("kind").as_string(), "APIResourceList");
  for (const auto& value : list.at("resources").as_array()) {
    const auto& resource = value.as_object();
    EXPECT_EQ(resource.at("kind").as_string(), kind);
    EXPECT_EQ(resource.at("singularName").as_string(), "");
    EXPECT_EQ(boost::json::serialize(resource.at("verbs")), R"(["get"])");
    entries.insert(fmt::format("{} {}", std::string(resource.at("name").as_string()),
                               resource.at("namespaced").as_bool()));
  }
  return entries;
}

TEST(Discovery, NamesEveryMetricOfEveryObject) {
  Bench bench;
  std::set<std::string> custom;
  std::set<std::string> external;
  ASSERT_GT(metrics::built_in()->size(), 0U);
  for (const auto& metric : *metrics::built_in()) {
    custom.insert(fmt::format("services/{} true", metric.name));
    custom.insert(fmt::format("miniclusters.flux-framework.org/{} true", metric.name));
    custom.insert(fmt::format("namespaces/{} false", metric.name));
    external.insert(fmt::format("{} true", metric.name));
  }
  ASSERT_FALSE(metrics::rank_catalogue().empty());
  for (const auto& metric : metrics::rank_catalogue())
    custom.insert(fmt::format("pods/{} true", metric.name));
  for (const char* version : {"v1beta1", "v1beta2"}) {
    EXPECT_EQ(entries_of(bench.get(std::string("/apis/custom.metrics.k8s.io/") + version), "MetricValueList"),
              custom);
  }
  EXPECT_EQ(entries_of(bench.get("/apis/external.metrics.k8s.io/v1beta1"), "ExternalMetricValueList"),
            external);
}

TEST(Discovery, IsFoundBelowApiPathToo) {
  Bench bench({.api_path = "my/metrics/"});
  bench.publish();
  EXPECT_EQ(bench.get("/my/metrics").body, bench.get(v2).body);
  EXPECT_EQ(*bench.get("/my/metrics/namespaces/flux-operator/metrics/node_up_count").body,
            *bench.get(std::string(v2) + "/namespaces/flux-operator/metrics/node_up_count").body);
  EXPECT_EQ(bench.get("/my/metrics/x").status, 404);
  EXPECT_TRUE(bench.get("/").body->contains("\"/my/metrics\""));
}

TEST(Api, EveryAnswerHasAnAuditIdAndIsNotCached) {
  Bench bench;
  static const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::string last;
  for (const char* path :
       {"/", "/apis", "/nope", "/healthz", "/version", "/apis/custom.metrics.k8s.io/v9", "bad"}) {
    const auto response = bench.get(path);
    const auto id = header_of(response, "Audit-Id");
    EXPECT_TRUE(std::regex_match(id, uuid)) << id;
    EXPECT_NE(id, last);
    last = id;
    EXPECT_EQ(header_of(response, "Cache-Control"), "no-cache, private") << path;
  }
  EXPECT_EQ(header_of(bench.get("/apis", {{"audit-id", "mine"}}), "Audit-Id"), "mine");
  EXPECT_EQ(header_of(bench.get("/apis", {{"Audit-ID", std::string(65, 'x')}}), "Audit-Id"),
            std::string(61, 'x') + "...");
}

TEST(Api, AnswersUnknownPathsWithTheIndex) {
  Bench bench;
  const auto index = bench.get("/");
  EXPECT_EQ(index.status, 200);
  EXPECT_EQ(*index.body,
            "{\n  \"paths\": [\n    \"/apis\",\n    \"/apis/custom.metrics.k8s.io\",\n"
            "    \"/apis/custom.metrics.k8s.io/v1beta1\",\n    \"/apis/custom.metrics.k8s.io/v1beta2\",\n"
            "    \"/apis/custom.metrics.k8s.io/v1beta2/openapi/v2\",\n"
            "    \"/apis/external.metrics.k8s.io\",\n    \"/apis/external.metrics.k8s.io/v1beta1\",\n"
            "    \"/healthz\",\n    \"/healthz/ping\",\n    \"/livez\",\n    \"/livez/ping\",\n    "
            "\"/metrics\",\n    \"/openapi/v2\",\n"
            "    \"/openapi/v3\",\n    \"/openapi/v3/apis/custom.metrics.k8s.io/v1beta1\",\n"
            "    \"/openapi/v3/apis/custom.metrics.k8s.io/v1beta2\",\n"
            "    \"/openapi/v3/apis/external.metrics.k8s.io/v1beta1\",\n    \"/readyz\",\n"
            "    \"/readyz/flux\",\n    \"/readyz/ping\",\n    \"/readyz/shutdown\",\n    \"/schema\",\n    "
            "\"/version\"\n  ]\n}");
  for (const char* path : {"/api", "/foo", "/apis/foo", "/healthz/nope", "/livez/flux"}) {
    const auto response = bench.get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.body, index.body) << path;
  }
}

TEST(Api, UnknownPathsOfTheGroupAreAStatus) {
  Bench bench;
  const auto response = bench.get("/apis/custom.metrics.k8s.io/v1beta3");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(
      *response.body,
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
      R"("the server could not find the requested resource","reason":"NotFound","details":{},"code":404})"
      "\n");
  const auto list = bench.get(std::string(v2) + "/namespaces/flux-operator/pods");
  EXPECT_EQ(list.status, 400);
  EXPECT_EQ(message_of(list), "invalid request path");
}

TEST(Api, AllowsOnlyGet) {
  Bench bench;
  bench.publish();
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}) {
    for (const auto& path :
         {std::string("/apis"), std::string("/version"), std::string(v2), service_root + "node_up_count"}) {
      const auto response = bench.get(path, {}, method);
      EXPECT_EQ(response.status, 405) << method << " " << path;
      EXPECT_EQ(header_of(response, "Allow"), "absent");
      EXPECT_EQ(
          *response.body,
          R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
          R"("the server does not allow this method on the requested resource","reason":"MethodNotAllowed",)"
          R"("details":{},"code":405})"
          "\n");
    }
  }
  EXPECT_EQ(bench.get("/healthz", {}, "POST").status, 200);
}

TEST(Api, RefusesTargetsItCannotRead) {
  Bench bench;
  for (const char* target : {"*", "host:1", "/%", "/apis?x=%zz"}) {
    const auto response = bench.get(target);
    EXPECT_EQ(response.status, 400) << target;
    EXPECT_EQ(reason_of(response), "BadRequest");
  }
}

TEST(Api, PlainHttpIsForThisHostOnly) {
  Bench bench;
  const http::Peer stranger{.address = "192.0.2.1", .tls = false, .same_host = false};
  const http::Peer neighbour{.address = "127.0.0.1", .tls = false, .same_host = true};
  for (const char* path : {"/apis", "/healthz", "/", "bad"}) {
    const auto response = bench.get(path, {}, "GET", stranger);
    EXPECT_EQ(response.status, 403) << path;
    EXPECT_EQ(reason_of(response), "Forbidden");
    EXPECT_TRUE(message_of(response).contains("--insecure-http")) << message_of(response);
    EXPECT_EQ(header_of(response, "X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(bench.get("/apis", {}, "GET", neighbour).status, 200);
  Bench open({.insecure_http = true});
  EXPECT_EQ(open.get("/apis", {}, "GET", stranger).status, 200);
}

TEST(Api, TellsItsVersionPrettily) {
  Bench bench;
  const auto response = bench.get("/version");
  const auto body = boost::json::parse(*response.body);
  const char* keys[] = {"major",
                        "minor",
                        "emulationMajor",
                        "emulationMinor",
                        "minCompatibilityMajor",
                        "minCompatibilityMinor",
                        "gitVersion",
                        "gitCommit",
                        "gitTreeState",
                        "buildDate",
                        "goVersion",
                        "compiler",
                        "platform"};
  ASSERT_EQ(body.as_object().size(), std::size(keys));
  for (std::size_t i = 0; i < std::size(keys); ++i)
    EXPECT_EQ((body.as_object().begin() + i)->key(), keys[i]);
  EXPECT_TRUE(response.body->starts_with("{\n  \"major\": \"")) << *response.body;
  EXPECT_TRUE(response.body->ends_with("\"\n}")) << *response.body;
}

TEST(Health, AnswersOkWhateverFluxDoes) {
  Bench bench;
  for (const char* path : {"/healthz", "/livez", "/readyz"}) {
    const auto response = bench.get(path);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(*response.body, "ok");
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(header_of(response, "X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(*bench.get("/livez/ping").body, "ok");
  EXPECT_EQ(
      *bench.get("/readyz?verbose").body,
      "[+]ping ok\n[+]shutdown ok\n[i]flux has no data, not part of the verdict\nreadyz check passed\n");
  EXPECT_EQ(*bench.get("/readyz?verbose&exclude=flux").body,
            "[+]ping ok\n[+]shutdown ok\n[+]flux excluded: ok\nreadyz check passed\n");
  EXPECT_EQ(*bench.get("/livez?verbose&exclude=ping").body, "[+]ping excluded: ok\nlivez check passed\n");
  EXPECT_EQ(*bench.get("/healthz?verbose=1&exclude=x&exclude=ping&exclude=y").body,
            "[+]ping excluded: ok\nwarn: some health checks cannot be excluded: no matches for \"x\",\"y\"\n"
            "healthz check passed\n");
  EXPECT_EQ(*bench.get("/healthz?exclude=x").body, "ok");
}

TEST(Health, TellsTheStateOfTheDataOnItsOwnPath) {
  Bench bench({.max_staleness = Seconds(30)});
  bench.store.set_trouble("no broker");
  auto response = bench.get("/readyz/flux");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(*response.body, "internal server error: Flux has not answered yet: no broker\nstate: gone\n");
  bench.publish();
  response = bench.get("/readyz/flux");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.body, "ok");
  EXPECT_NE(bench.get("/readyz/flux?verbose").body->find("state: running\nreturned: 0 times\n"),
            std::string::npos);
  bench.publish(Bench::families(), Seconds(60));
  EXPECT_EQ(bench.get("/readyz/flux").status, 500);
  EXPECT_EQ(bench.get("/readyz").status, 200);
  bench.publish();
  EXPECT_TRUE(bench.get("/readyz?verbose").body->contains("[i]flux ok, not part of the verdict\n"));
}

// What a client is given for its Accept header: "json", "pretty", "yaml", "protobuf" or the 406 message.
std::string given(const std::string& query, http::Headers headers, const std::string& path = "/apis") {
  Bench bench;
  const auto response = bench.get(path + query, std::move(headers));
  if (response.content_type == "application/yaml") return "yaml";
  if (response.content_type == "application/vnd.kubernetes.protobuf") return "protobuf";
  if (response.status != 200) {
    EXPECT_TRUE(response.body->starts_with("{\n")) << "pretty, as the Go server's";
    return message_of(response);
  }
  if (response.content_type != "application/json") return std::string(response.content_type);
  return response.body->starts_with("{\n") && !response.body->ends_with("\n") ? "pretty" : "json";
}

TEST(Negotiation, ChoosesAsTheGoServerDoes) {
  const std::string three = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
  const std::string not_these = "406: Not Acceptable\n\nAvailable representations: " + three;
  const std::string no_table = "only the following media types are accepted: " + three;
  EXPECT_EQ(given("", {}), "json");
  EXPECT_EQ(given("", {{"Accept", ""}}), "json");
  EXPECT_EQ(given("", {{"Accept", "*/*"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/*"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/xml"}}), not_these);
  EXPECT_EQ(given("", {{"Accept", "application/xml, */*;q=0.1"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/vnd.kubernetes.protobuf, */*"}}), "protobuf");
  EXPECT_EQ(given("", {{"Accept", "*/*, application/vnd.kubernetes.protobuf"}}), "protobuf")
      << "concrete first";
  EXPECT_EQ(given("", {{"Accept", "application/json;q=0.5, application/yaml;q=0.9"}}), "yaml");
  EXPECT_EQ(given("", {{"Accept", "application/yaml;q=0.5, */*;q=0.9"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/yaml;as=Table;v=v1;g=meta.k8s.io, application/json"}}),
            "json");
  EXPECT_EQ(given("", {{"Accept", "application/json;stream=other"}}), no_table);
  EXPECT_EQ(given("", {{"Accept", "Application/JSON; charset=utf-8"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/json;stream=watch"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}}), no_table);
  EXPECT_EQ(given("", {{"Accept", "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList"}}),
            no_table);
  EXPECT_EQ(given("", {{"Accept", "application/json;q=0"}}), not_these);
  EXPECT_EQ(given("", {{"Accept", "application/xml"}, {"Accept", "application/json"}}), not_these);
  EXPECT_EQ(given("", {{"Accept", "application/json;pretty=1"}}), "pretty");
}

TEST(Negotiation, EachPathOffersItsOwn) {
  const std::string metric = service_root + "node_up_count";
  const std::string rest =
      ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
  EXPECT_TRUE(given("", {{"Accept", "text/html"}}, metric).ends_with(rest));
  EXPECT_FALSE(given("", {{"Accept", "text/html"}}, v2).ends_with(rest));
  EXPECT_EQ(given("", {{"Accept", "text/html"}}, "/version"),
            "406: Not Acceptable\n\nAvailable representations: application/json");
  EXPECT_EQ(given("", {{"Accept", "application/yaml"}}, "/version"), "yaml") << "the refusal";
  EXPECT_EQ(given("", {{"Accept", aggregated_v2}}, v2),
            "only the following media types are accepted: application/json, application/yaml, "
            "application/vnd.kubernetes.protobuf");
  Bench bench;
  EXPECT_EQ(bench.get(metric, {{"Accept", "text/html"}}).status, 406);
  EXPECT_EQ(bench.get("/version", {{"Accept", "application/yaml"}}).status, 406);
  const auto unread =
      bench.get("/openapi/v2", {{"Accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}});
  EXPECT_EQ(unread.status, 406);
  EXPECT_EQ(unread.body, nullptr);
}

TEST(Negotiation, MetricsHaveEveryForm) {
  Bench bench;
  bench.publish();
  const std::string metric = service_root + "node_up_count";
  const auto yaml = bench.get(metric, {{"Accept", "application/yaml"}});
  EXPECT_EQ(yaml.content_type, "application/yaml");
  EXPECT_TRUE(yaml.body->starts_with("apiVersion: custom.metrics.k8s.io/v1beta2\nitems:\n")) << *yaml.body;
  const auto protobuf = bench.get(metric, {{"Accept", "application/vnd.kubernetes.protobuf, */*"}});
  EXPECT_EQ(protobuf.content_type, "application/vnd.kubernetes.protobuf");
  EXPECT_TRUE(protobuf.body->starts_with(std::string_view("k8s\0", 4)));
  const auto again = bench.get(metric, {{"Accept", "application/vnd.kubernetes.protobuf, */*"}});
  EXPECT_EQ(again.body, protobuf.body) << "encoded once a snapshot";
  const auto error = bench.get(service_root + "nope", {{"Accept", "application/yaml"}});
  EXPECT_EQ(error.status, 404);
  EXPECT_EQ(error.content_type, "application/yaml");
  EXPECT_TRUE(error.body->starts_with("apiVersion: v1\ncode: 404\nkind: Status\n")) << *error.body;
}

TEST(AggregatedDiscovery, HasAnEtagAndTellsWhenNothingChanged) {
  Bench bench;
  const auto first = bench.get("/apis", {{"Accept", aggregated_v2}});
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.content_type, aggregated_v2);
  EXPECT_EQ(header_of(first, "Vary"), "Accept");
  EXPECT_EQ(header_of(first, "Cache-Control"), "public");
  const auto etag = header_of(first, "ETag");
  static const std::regex shape("\"[0-9A-F]{128}\"");
  EXPECT_TRUE(std::regex_match(etag, shape)) << etag;
  EXPECT_TRUE(
      first.body->starts_with(R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2",)"));

  const auto second = bench.get("/apis", {{"Accept", aggregated_v2}, {"If-None-Match", etag}});
  EXPECT_EQ(second.status, 304);
  EXPECT_EQ(second.body, nullptr);
  EXPECT_EQ(header_of(second, "ETag"), etag);
  EXPECT_EQ(header_of(second, "Cache-Control"), "public");
  EXPECT_EQ(bench.get("/apis", {{"Accept", aggregated_v2}, {"If-None-Match", "\"old\""}}).status, 200);
  EXPECT_EQ(bench.get("/apis", {{"If-None-Match", etag}}).status, 200) << "that is another document";
}

TEST(AggregatedDiscovery, ListsWhatTheSingleListsHave) {
  Bench bench;
  const auto all = boost::json::parse(*bench.get("/apis", {{"Accept", aggregated_v2}}).body);
  for (const auto& group : all.at("items").as_array()) {
    const auto& name = group.at("metadata").at("name").as_string();
    for (const auto& version : group.at("versions").as_array()) {
      std::set<std::string> told;
      for (const auto& resource : version.at("resources").as_array()) {
        const std::string parent(resource.at("resource").as_string());
        const auto* below = resource.as_object().if_contains("subresources");
        if (below == nullptr) told.insert(parent);
        if (below == nullptr) continue;
        for (const auto& subresource : below->as_array())
          told.insert(parent + "/" + std::string(subresource.at("subresource").as_string()));
      }
      const auto path =
          fmt::format("/apis/{}/{}", std::string(name), std::string(version.at("version").as_string()));
      std::set<std::string> listed;
      std::map<std::string, bool> scopes;
      const auto list = boost::json::parse(*bench.get(path).body);
      for (const auto& resource : list.at("resources").as_array()) {
        const std::string full(resource.at("name").as_string());
        listed.insert(full);
        const bool namespaced = resource.at("namespaced").as_bool();
        EXPECT_EQ(scopes.emplace(full.substr(0, full.find('/')), namespaced).first->second, namespaced)
            << full;
      }
      EXPECT_EQ(told, listed) << path;
      EXPECT_FALSE(listed.empty()) << path;
    }
  }
}

TEST(AggregatedDiscovery, ServesOldControlPlanesAndEveryForm) {
  Bench bench;
  const std::string both =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
      "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
  EXPECT_EQ(bench.get("/apis", {{"Accept", both}}).content_type, aggregated_v2);
  const std::string old = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  const auto answer = bench.get("/apis", {{"Accept", old}});
  EXPECT_EQ(answer.content_type, old);
  EXPECT_TRUE(answer.body->contains(R"("apiVersion":"apidiscovery.k8s.io/v2beta1")"));
  const auto protobuf = bench.get(
      "/apis", {{"Accept",
                 "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}});
  EXPECT_EQ(protobuf.content_type,
            "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_TRUE(protobuf.body->starts_with(std::string_view("k8s\0", 4)));
}

TEST(OpenApi, IsTheSameInEveryPlace) {
  Bench bench({.api_path = "/my/metrics"});
  const auto document = bench.get("/openapi/v2");
  EXPECT_EQ(document.content_type, "application/json");
  EXPECT_TRUE(document.body->starts_with(R"({"swagger":"2.0",)"));
  for (const auto& path :
       {std::string("/schema"), std::string(v2) + "/openapi/v2", std::string("/my/metrics/openapi/v2")})
    EXPECT_EQ(bench.get(path).body, document.body) << path;
  EXPECT_EQ(bench.get("/openapi/v2", {{"If-None-Match", header_of(document, "ETag")}}).status, 304);
  EXPECT_EQ(bench.get("/openapi/v2", {}, "POST").status, 405);
}

TEST(OpenApi, IndexLeadsToDocumentsByTheirHash) {
  Bench bench;
  const auto index = boost::json::parse(*bench.get("/openapi/v3").body);
  ASSERT_EQ(index.at("paths").as_object().size(), 3U) << "our own and no others";
  for (const auto& [key, entry] : index.at("paths").as_object()) {
    const std::string url(entry.at("serverRelativeURL").as_string());
    const auto document = bench.get(url);
    EXPECT_EQ(document.status, 200) << url;
    EXPECT_EQ(header_of(document, "Cache-Control"), "public, immutable");
    EXPECT_TRUE(document.body->starts_with(R"({"openapi":"3.0.0",)"));
    const auto hash = url.substr(url.find('=') + 1);
    EXPECT_EQ(header_of(document, "ETag"), "\"" + hash + "\"");
    const auto plain = url.substr(0, url.find('?'));
    EXPECT_EQ(plain, "/openapi/v3/" + std::string(key));
    EXPECT_EQ(header_of(bench.get(plain), "Cache-Control"), "no-cache, private");
    const auto moved = bench.get(plain + "?hash=0123");
    EXPECT_EQ(moved.status, 301);
    EXPECT_EQ(header_of(moved, "Location"), url);
  }
  EXPECT_EQ(bench.get("/openapi/v3/apis/apps/v1").status, 404);
  EXPECT_EQ(bench.get("/openapi/v3/version").status, 404);
}

TEST(Compression, IsForLargeAnswersAndOpenApi) {
  Bench bench;
  const auto plain = bench.get("/openapi/v2");
  EXPECT_EQ(header_of(plain, "Vary"), "Accept-Encoding");
  EXPECT_EQ(header_of(plain, "Content-Encoding"), "absent");
  const auto compressed = bench.get("/openapi/v2", {{"Accept-Encoding", "deflate, gzip"}});
  EXPECT_EQ(header_of(compressed, "Content-Encoding"), "gzip");
  EXPECT_LT(compressed.body->size(), plain.body->size() / 3);
  EXPECT_EQ(bench.get("/openapi/v2", {{"Accept-Encoding", "gzip"}}).body, compressed.body) << "kept";
  EXPECT_EQ(bench.get("/openapi/v2", {{"Accept-Encoding", "gzip;q=0"}}).body, plain.body);
  EXPECT_EQ(header_of(bench.get(v2, {{"Accept-Encoding", "gzip"}}), "Content-Encoding"), "absent")
      << "too small";
}

TEST(Negotiation, IsPrettyForPeople) {
  EXPECT_EQ(given("?pretty=1", {}), "pretty");
  EXPECT_EQ(given("?pretty=true", {}), "pretty");
  EXPECT_EQ(given("?pretty=0", {}), "json");
  EXPECT_EQ(given("?pretty=banana", {}), "json");
  for (const char* agent : {"curl/8.1", "Wget/1.2", "Mozilla/5.0 (X11)"}) {
    EXPECT_EQ(given("", {{"User-Agent", agent}}), "pretty");
    EXPECT_EQ(given("?pretty", {{"User-Agent", agent}}), "pretty");
    EXPECT_EQ(given("?pretty=false", {{"User-Agent", agent}}), "json");
  }
  EXPECT_EQ(given("", {{"User-Agent", "kubectl"}}), "json");
}

TEST(Negotiation, MetricsAndErrorsArePrettyToo) {
  Bench bench;
  bench.publish();
  const auto value = bench.get(service_root + "node_up_count", {{"User-Agent", "curl/8"}});
  EXPECT_TRUE(value.body->starts_with("{\n  \"kind\": \"MetricValueList\",\n")) << *value.body;
  EXPECT_TRUE(value.body->ends_with("\"value\": \"4\"\n    }\n  ]\n}")) << *value.body;
  const auto compact = bench.get(service_root + "node_up_count");
  EXPECT_TRUE(compact.body->starts_with("{\"kind\":")) << "the cache keeps both apart";
  const auto error = bench.get(service_root + "nope", {{"User-Agent", "curl/8"}});
  EXPECT_TRUE(error.body->starts_with("{\n  \"kind\": \"Status\"")) << *error.body;
}

}  // namespace
}  // namespace fluxmetrics::api
