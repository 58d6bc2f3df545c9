#include "api/custom_metrics.hpp"

#include "api/bench.hpp"

namespace fluxmetrics::api {
namespace {

const std::string ns = std::string(v2) + "/namespaces/flux-operator";

std::string service_body(const std::string& metric, const std::string& value,
                         const std::string& selector = "null") {
  return R"({"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[)"
         R"({"describedObject":{"kind":"Service","namespace":"flux-operator","name":"custom-metrics-apiserver",)"
         R"("apiVersion":"v1"},"metric":{"name":")" +
         metric + R"(","selector":)" + selector + R"(},"timestamp":"2026-11-22T12:00:00Z","value":")" +
         value + "\"}]}\n";
}

std::string namespace_body(const std::string& value) {
  return R"({"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[)"
         R"({"describedObject":{"kind":"Namespace","name":"flux-operator","apiVersion":"v1"},"metric":)"
         R"({"name":"node_up_count","selector":null},"timestamp":"2026-11-22T12:00:00Z","value":")" +
         value + "\"}]}\n";
}

const std::string empty_list =
    "{\"kind\":\"MetricValueList\",\"apiVersion\":\"custom.metrics.k8s.io/"
    "v1beta2\",\"metadata\":{},\"items\":[]}\n";

TEST(CustomMetrics, DescribesTheService) {
  Bench bench;
  bench.publish();
  for (const auto& path :
       {service_root + "node_up_count", service_root + "node_up_count/", ns + "/services/*/node_up_count",
        ns + "/services/%2A/node_up_count", ns + "/service/custom-metrics-apiserver/node_up_count",
        std::string(v2) + "/services/custom-metrics-apiserver/node_up_count",
        ns + "/services/custom-metrics-apiserver%2Fnode_up_count",
        ns + "/services%2fcustom-metrics-apiserver/node_up_count"}) {
    const auto response = bench.get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(*response.body, service_body("node_up_count", "4")) << path;
    EXPECT_EQ(response.content_type, "application/json");
  }
}

TEST(CustomMetrics, DescribesTheNamespace) {
  Bench bench;
  bench.publish();
  for (const auto& path : {ns + "/metrics/node_up_count", ns + "/node_up_count",
                           std::string(v2) + "/namespaces/%2A/node_up_count"}) {
    const auto response = bench.get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(*response.body, namespace_body("4")) << path;
  }
}

TEST(CustomMetrics, SpeaksV1beta1) {
  Bench bench;
  bench.publish();
  const auto response = bench.get(std::string(v1) +
                                  "/namespaces/flux-operator/services/custom-metrics-apiserver/job_count"
                                  "?metricLabelSelector=queue%3Dbatch");
  EXPECT_EQ(
      *response.body,
      R"({"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[)"
      R"({"describedObject":{"kind":"Service","namespace":"flux-operator","name":"custom-metrics-apiserver",)"
      R"("apiVersion":"v1"},"metricName":"job_count","timestamp":"2026-11-22T12:00:00Z","value":"3",)"
      R"("selector":{"matchLabels":{"queue":"batch"}}}]})"
      "\n");
}

TEST(CustomMetrics, SelectsThenMakesOneValue) {
  Bench bench;
  bench.publish();
  const auto value = [&](const std::string& selector) {
    const auto response = bench.get(service_root + "job_count?metricLabelSelector=" + selector);
    const auto body = boost::json::parse(*response.body);
    if (response.status != 200) return message_of(response);
    EXPECT_EQ(body.at("items").as_array().size(), 1U);
    return std::string(body.at("items").at(0).at("value").as_string());
  };
  EXPECT_EQ(value(""), "3");
  EXPECT_EQ(value("queue=batch,state=sched"), "2");
  EXPECT_EQ(value("queue+in+(batch,debug),state!=run"), "2");
  EXPECT_EQ(value("queue=debug"), "0");
  EXPECT_EQ(value("queue=empty"), "0") << "a queue without jobs is a queue";
  EXPECT_EQ(
      value("queue=nope"),
      "the server could not find the metric job_count for services custom-metrics-apiserver with selector "
      "queue=nope: there is no queue 'nope'; there is 'batch', 'debug', 'empty'");
  EXPECT_EQ(
      value("color=red"),
      "the server could not find the metric job_count for services custom-metrics-apiserver with selector "
      "color=red: it has no label 'color', only queue, state");
  const auto plain = bench.get(service_root + "node_up_count?metricLabelSelector=queue=batch");
  EXPECT_EQ(plain.status, 404);
  EXPECT_TRUE(message_of(plain).ends_with("it has no labels to select by")) << message_of(plain);
}

TEST(CustomMetrics, EchoesTheSelector) {
  Bench bench;
  bench.publish();
  const auto response =
      bench.get(service_root + "job_count?metricLabelSelector=state%20in%20(sched,run),queue!=debug");
  EXPECT_EQ(*response.body,
            service_body("job_count", "3",
                         R"({"matchExpressions":[{"key":"queue","operator":"NotIn","values":["debug"]},)"
                         R"({"key":"state","operator":"In","values":["run","sched"]}]})"));
}

TEST(CustomMetrics, UnknownMetricsAreToldWhatThereIs) {
  Bench bench;
  bench.publish();
  std::string names;
  for (const auto& metric : *metrics::built_in())
    names += (names.empty() ? "" : ", ") + std::string(metric.name);
  const auto named = bench.get(service_root + "nope");
  EXPECT_EQ(named.status, 404);
  EXPECT_EQ(reason_of(named), "NotFound");
  EXPECT_EQ(
      message_of(named),
      "the server could not find the metric nope for services custom-metrics-apiserver: there are " + names);
  EXPECT_EQ(message_of(bench.get(ns + "/services/*/nope")),
            "the server could not find the metric nope for services: there are " + names);
  EXPECT_EQ(message_of(bench.get(ns + "/metrics/nope")),
            "the server could not find the metric nope for namespaces flux-operator: there are " + names);
}

TEST(CustomMetrics, UnknownObjectsAreToldWhatThereIs) {
  Bench bench({.namespace_ = "team-a", .service_name = "svc"});
  bench.publish();
  const std::string there =
      "metrics describe services/svc and miniclusters.flux-framework.org/flux-sample in the namespace "
      "team-a, "
      "the MiniCluster's pods, and namespaces/team-a";
  const std::string start = "the server could not find the metric node_up_count for ";
  const auto message = [&](const std::string& path) {
    const auto response = bench.get(v2 + path);
    EXPECT_EQ(response.status, 404) << path;
    return message_of(response);
  };
  EXPECT_EQ(message("/namespaces/team-a/services/other/node_up_count"), start + "services other: " + there);
  EXPECT_EQ(message("/namespaces/team-a/miniclusters.flux-framework.org/x/node_up_count"),
            start + "miniclusters.flux-framework.org x: " + there);
  EXPECT_EQ(message("/namespaces/team-a/miniclusters.example.org/flux-sample/node_up_count"),
            start + "miniclusters.example.org flux-sample: " + there);
  EXPECT_EQ(
      message("/namespaces/b/pods/x/node_cores_allocated_count"),
      "the server could not find the metric node_cores_allocated_count for pods x: there is none in the "
      "namespace b; " +
          there);
  EXPECT_EQ(message("/namespaces/team-a/deployments.apps/d/node_up_count"),
            start + "deployments.apps d: " + there);
  EXPECT_EQ(message("/namespaces/b/services/svc/node_up_count"),
            start + "services svc: there is none in the namespace b; " + there);
  EXPECT_EQ(message("/namespaces/b/metrics/node_up_count"), start + "namespaces b: " + there);
  EXPECT_EQ(message("/nodes/n1/node_up_count"), start + "nodes n1: " + there);
  EXPECT_EQ(bench.get(std::string(v2) + "/namespaces/team-a/services/svc/node_up_count").status, 200);
}

TEST(CustomMetrics, ASelectorOfObjectsFiltersTheWildcardOnly) {
  Bench bench;
  bench.publish();
  EXPECT_EQ(*bench.get(ns + "/services/*/node_up_count?labelSelector=app=web").body, empty_list);
  EXPECT_EQ(*bench.get(ns + "/services/*/node_up_count?labelSelector=!app").body,
            service_body("node_up_count", "4"));
  EXPECT_EQ(*bench.get(service_root + "node_up_count?labelSelector=app=web").body,
            service_body("node_up_count", "4"));
  EXPECT_EQ(*bench
                 .get(std::string(v2) +
                      "/namespaces/*/node_up_count?labelSelector=kubernetes.io/metadata.name=flux-operator")
                 .body,
            namespace_body("4"));
  EXPECT_EQ(*bench.get(ns + "/services/*/node_up_count?fieldSelector=metadata.name=other").body, empty_list);
  EXPECT_EQ(*bench.get(ns + "/services/*/node_up_count?fieldSelector=metadata.name!=other").body,
            service_body("node_up_count", "4"));
}

struct BadQuery {
  const char* query;
  const char* message;
};

class BadQueries : public testing::TestWithParam<BadQuery> {};

TEST_P(BadQueries, Are400) {
  Bench bench;
  bench.publish();
  const auto response = bench.get(service_root + "node_up_count?" + GetParam().query);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(reason_of(response), "BadRequest");
  EXPECT_EQ(message_of(response), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadQueries,
    testing::Values(
        BadQuery{"labelSelector=a+b",
                 "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
        BadQuery{"metricLabelSelector=a+b",
                 "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
        BadQuery{"metricLabelSelector=a%3E1",
                 "'a>1': > and < cannot be used here, a LabelSelector has no form for them"},
        BadQuery{"limit=xx", "strconv.ParseInt: parsing \"xx\": invalid syntax"},
        BadQuery{"limit=99999999999999999999",
                 "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"},
        BadQuery{"fieldSelector=metadata.name=other",
                 "fieldSelector metadata.name doesn't match requested name"},
        BadQuery{"fieldSelector=spec.x=1",
                 "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""},
        BadQuery{"fieldSelector=x", "invalid selector: 'x'; can't understand 'x'"},
        BadQuery{"timeout=soon",
                 "invalid timeout specified in the request URL - time: invalid duration \"soon\""}));

TEST(CustomMetrics, IgnoresWhatItDoesNotKnow) {
  Bench bench;
  bench.publish();
  const auto response =
      bench.get(service_root +
                "node_up_count?limit=1&continue=x&watch=true&resourceVersion=5&foo=bar&timeout=5s"
                "&fieldSelector=metadata.name=custom-metrics-apiserver&labelSelector=&labelSelector=a+b");
  EXPECT_EQ(*response.body, service_body("node_up_count", "4"));
}

TEST(CustomMetrics, HasNoValueBeforeTheFirstSnapshot) {
  Bench bench;
  const auto silent = bench.get(service_root + "node_up_count");
  EXPECT_EQ(silent.status, 503);
  EXPECT_EQ(reason_of(silent), "ServiceUnavailable");
  EXPECT_EQ(
      message_of(silent),
      "the metric node_up_count has no value now: Flux has not answered yet: waiting for the first answer");
  EXPECT_EQ(header_of(silent, "Retry-After"), "absent");
  bench.store.set_trouble("cannot connect to /run/flux/local: no such file");
  EXPECT_TRUE(message_of(bench.get(service_root + "node_up_count"))
                  .ends_with("cannot connect to /run/flux/local: no such file"));
}

TEST(CustomMetrics, ServesOldDataOnlyForAWhile) {
  Bench bench({.max_staleness = Seconds(30)});
  bench.publish(Bench::families(), Seconds(20));
  bench.store.set_trouble("the broker is silent");
  EXPECT_EQ(*bench.get(service_root + "node_up_count").body, service_body("node_up_count", "4"));
  bench.publish(Bench::families(), Seconds(45));
  bench.store.set_trouble("the broker is silent");
  const auto old = bench.get(service_root + "node_up_count");
  EXPECT_EQ(old.status, 503);
  EXPECT_EQ(message_of(old),
            "the metric node_up_count has no value now: Flux last answered at 2026-11-22T12:00:00Z, longer "
            "ago than "
            "the 30 s of --max-staleness: the broker is silent");
  bench.publish(Bench::families(), Seconds(90));
  bench.store.set_trouble("the broker is silent");
  EXPECT_EQ(message_of(bench.get(service_root + "node_up_count")), message_of(old))
      << "an HPA copies the text into its status";
  EXPECT_EQ(header_of(old, "Retry-After"), "absent");
  EXPECT_EQ(bench.get(service_root + "nope").status, 404)
      << "what does not exist does not become unavailable";
}

TEST(CustomMetrics, StaleDataIsNotServedFromTheCacheEither) {
  Bench bench({.max_staleness = Seconds(0.2)});
  bench.publish();
  EXPECT_EQ(bench.get(service_root + "node_up_count").status, 200);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  int status = 200;
  while (status == 200 && std::chrono::steady_clock::now() < end)
    status = bench.get(service_root + "node_up_count").status;
  EXPECT_EQ(status, 503);
}

TEST(CustomMetrics, ANewSnapshotReplacesEncodedAnswers) {
  Bench bench;
  bench.publish();
  const auto first = bench.get(service_root + "node_up_count");
  EXPECT_EQ(bench.get(service_root + "node_up_count").body, first.body) << "the same buffer, not a copy";
  bench.publish(Bench::families(2));
  EXPECT_EQ(*bench.get(service_root + "node_up_count").body, service_body("node_up_count", "2"));
}

TEST(CustomMetrics, KeepsManyDifferentAnswersApart) {
  Bench bench;
  bench.publish();
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(
        bench.get(service_root + fmt::format("job_count?metricLabelSelector=queue=batch&x={}", i)).status,
        200);
  }
  EXPECT_EQ(*bench.get(service_root + "node_up_count").body, service_body("node_up_count", "4"));
}

TEST(CustomMetrics, MissingFamiliesSayWhy) {
  Bench bench;
  auto made = Bench::families();
  Bench::named(made, "node_up_count").missing = Error{.code = Code::unavailable, .message = "no rank is up"};
  Bench::named(made, "job_count").missing =
      Error{.code = Code::not_found, .message = "ranks are not pods here"};
  bench.publish(std::move(made));
  const auto now = bench.get(service_root + "node_up_count");
  EXPECT_EQ(now.status, 503);
  EXPECT_EQ(message_of(now), "the metric node_up_count has no value now: no rank is up");
  const auto ever = bench.get(service_root + "job_count");
  EXPECT_EQ(ever.status, 404);
  EXPECT_TRUE(message_of(ever).ends_with(": ranks are not pods here")) << message_of(ever);
}

TEST(CustomMetrics, NumbersThatAreNoneAreNotServed) {
  Bench bench;
  bench.publish(Bench::families(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ(bench.get(service_root + "node_up_count").status, 503);
  bench.publish(Bench::families(1.5));
  EXPECT_EQ(*bench.get(service_root + "node_up_count").body, service_body("node_up_count", "1500m"));
}

}  // namespace
}  // namespace fluxmetrics::api
