#include "api/api.hpp"

#include <regex>

#include "api/bench.hpp"

namespace fluxmetrics::api {
namespace {

TEST(Discovery, NeedsNoData) {
  Bench bench({.port = 8443});
  const std::string versions =
      R"("name":"custom.metrics.k8s.io","versions":[{"groupVersion":"custom.metrics.k8s.io/v1beta2","version":"v1beta2"},)"
      R"({"groupVersion":"custom.metrics.k8s.io/v1beta1","version":"v1beta1"}],"preferredVersion":)"
      R"({"groupVersion":"custom.metrics.k8s.io/v1beta2","version":"v1beta2"})";
  EXPECT_EQ(*bench.get("/apis").body,
            R"({"kind":"APIGroupList","groups":[{)" + versions +
                R"(,"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":":8443"}]}]})"
                "\n");
  EXPECT_EQ(*bench.get("/apis/custom.metrics.k8s.io").body,
            R"({"kind":"APIGroup","apiVersion":"v1",)" + versions + "}\n");
}

TEST(Discovery, NamesEveryMetricInBothVersions) {
  Bench bench;
  for (const char* version : {"v1beta1", "v1beta2"}) {
    std::string expected =
        R"({"kind":"APIResourceList","apiVersion":"v1","groupVersion":"custom.metrics.k8s.io/)" +
        std::string(version) + R"(","resources":[)";
    ASSERT_FALSE(metrics::catalogue().empty());
    for (const auto& metric : metrics::catalogue()) {
      const auto entry = [&](const char* resource, const char* namespaced) {
        return fmt::format(
            R"({{"name":"{}/{}","singularName":"","namespaced":{},"kind":"MetricValueList","verbs":["get"]}},)",
            resource, metric.name, namespaced);
      };
      expected += entry("services", "true") + entry("namespaces", "false");
    }
    expected.back() = ']';
    EXPECT_EQ(*bench.get("/apis/custom.metrics.k8s.io/" + std::string(version)).body, expected + "}\n");
  }
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
  EXPECT_EQ(
      *index.body,
      "{\n  \"paths\": [\n    \"/apis\",\n    \"/apis/custom.metrics.k8s.io\",\n"
      "    \"/apis/custom.metrics.k8s.io/v1beta1\",\n    \"/apis/custom.metrics.k8s.io/v1beta2\",\n"
      "    \"/healthz\",\n    \"/healthz/ping\",\n    \"/livez\",\n    \"/livez/ping\",\n    \"/metrics\",\n"
      "    \"/readyz\",\n    \"/readyz/flux\",\n    \"/readyz/ping\",\n    \"/readyz/shutdown\",\n    "
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
  EXPECT_EQ(*bench.get("/readyz?verbose").body, "[+]ping ok\n[+]shutdown ok\nreadyz check passed\n");
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
}

// What a client is given for its Accept header: "json", "pretty" or the 406 message.
std::string given(const std::string& query, http::Headers headers) {
  Bench bench;
  const auto response = bench.get("/apis" + query, std::move(headers));
  if (response.status != 200) {
    EXPECT_TRUE(response.body->starts_with("{\n")) << "pretty, as the Go server's";
    return message_of(response);
  }
  return response.body->starts_with("{\n") && !response.body->ends_with("\n") ? "pretty" : "json";
}

TEST(Negotiation, ChoosesAsTheGoServerDoes) {
  const std::string only_json = "406: Not Acceptable\n\nAvailable representations: application/json";
  const std::string no_table = "only the following media types are accepted: application/json";
  EXPECT_EQ(given("", {}), "json");
  EXPECT_EQ(given("", {{"Accept", ""}}), "json");
  EXPECT_EQ(given("", {{"Accept", "*/*"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/*"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/xml"}}), only_json);
  EXPECT_EQ(given("", {{"Accept", "application/xml, */*;q=0.1"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/vnd.kubernetes.protobuf, */*"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "Application/JSON; charset=utf-8"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/json;stream=watch"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}}), "json");
  EXPECT_EQ(given("", {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}}), no_table);
  EXPECT_EQ(given("", {{"Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}}),
            no_table);
  EXPECT_EQ(given("", {{"Accept", "application/json;q=0"}}), only_json);
  EXPECT_EQ(given("", {{"Accept", "application/xml"}, {"Accept", "application/json"}}), only_json);
  EXPECT_EQ(given("", {{"Accept", "application/json;pretty=1"}}), "pretty");
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
