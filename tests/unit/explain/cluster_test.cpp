// What is read of an HPA in a cluster, from an API server that has the documents the test gives it.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>

#include <boost/json.hpp>

#include "explain/cluster_subject.hpp"
#include "explain/target.hpp"
#include "explain/values.hpp"
#include "support/api_server.hpp"

namespace fluxmetrics::explain {
namespace {

namespace json = boost::json;

// By path and query; what is not there is not found.
using ServedDocuments = std::map<std::string, http::Response>;

const std::string miniclusters = "/apis/flux-framework.org/v1alpha2/namespaces/ns/miniclusters";
const std::string hpas = "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers";
const std::string custom = "/apis/custom.metrics.k8s.io/v1beta2";

http::Response status_answer(int code, const std::string& reason, const std::string& message) {
  return test::json_answer(json::serialize(json::object{{"kind", "Status"},
                                                        {"apiVersion", "v1"},
                                                        {"status", "Failure"},
                                                        {"message", message},
                                                        {"reason", reason},
                                                        {"code", code}}),
                           code);
}

std::string object_metric(const std::string& service, const std::string& metric) {
  return R"({"type":"Object","object":{"describedObject":{"apiVersion":"v1","kind":"Service","name":")" +
         service + R"("},"metric":{"name":")" + metric + R"("},"target":{"type":"Value","value":"1"}}})";
}

std::string hpa_text(const std::string& metrics, const std::string& status = "{}",
                     const std::string& name = "h") {
  return R"({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":")" + name +
         R"(","namespace":"ns"},"spec":{"minReplicas":1,"maxReplicas":8,"scaleTargetRef":)"
         R"({"apiVersion":"flux-framework.org/v1alpha2","kind":"MiniCluster","name":"x"},"metrics":[)" +
         metrics + R"(]},"status":)" + status + "}";
}

// A MiniCluster of three, of whose pods two are there and one is ready, and a Service with one metric.
ServedDocuments whole_cluster() {
  using test::json_answer;
  return {
      {"/version", json_answer(R"({"gitVersion":"v1.31.4"})")},
      {"/api/v1", json_answer(R"({"resources":[{"name":"services","kind":"Service"}]})")},
      {"/apis/flux-framework.org/v1alpha2",
       json_answer(R"({"resources":[{"name":"miniclusters/scale","kind":"MiniCluster"},)"
                   R"({"name":"miniclusters","kind":"MiniCluster"}]})")},
      {miniclusters + "/x",
       json_answer(R"({"spec":{"size":3,"maxSize":8,"minSize":2},"status":{"maximumSize":7}})")},
      {miniclusters + "/x/scale",
       json_answer(R"({"spec":{"replicas":3},"status":{"replicas":3,"selector":"job-name=x"}})")},
      {"/api/v1/namespaces/ns/pods?labelSelector=job-name%3Dx",
       json_answer(R"({"items":[{"metadata":{"name":"x-0","labels":{"job-name":"x"}},"spec":{"containers":[)"
                   R"({"name":"flux","resources":{"requests":{"cpu":"250m"}}}]},"status":{"phase":"Running",)"
                   R"("conditions":[{"type":"Ready","status":"True"}]}},{"metadata":{"name":"x-1",)"
                   R"("labels":{"job-name":"x"}},"status":{"phase":"Pending"}}]})")},
      {hpas + "/h", json_answer(hpa_text(object_metric("s", "node_wanted_count")))},
      {hpas, json_answer(R"({"items":[)" + hpa_text("") + "," + hpa_text("", "{}", "other") + "]}")},
      {"/apis/custom.metrics.k8s.io", json_answer(R"({"preferredVersion":{"version":"v1beta2"}})")},
      {custom, json_answer(R"({"resources":[{"name":"services/node_wanted_count"}]})")},
      {custom + "/namespaces/ns/services/s/node_wanted_count",
       json_answer(R"({"items":[{"value":"5500m"}]})")},
  };
}

struct ClusterBench {
  explicit ClusterBench(ServedDocuments documents)
      : served(std::move(documents)), server([this](const http::Request& request) {
          const auto found = served.find(request.target);
          return found == served.end() ? status_answer(404, "NotFound", "no such thing") : found->second;
        }) {}
  [[nodiscard]] Result<ExplainSubject> subject() const {
    return read_cluster_subject({.namespace_ = "ns",
                                 .name = "h",
                                 .kubeconfig = server.kubeconfig(),
                                 .replicas = std::nullopt,
                                 .status = std::nullopt});
  }
  const ServedDocuments served;
  test::ApiServer server;
};

// The cluster with one thing changed.
ServedDocuments with(const std::string& path, http::Response answer) {
  auto documents = whole_cluster();
  documents[path] = std::move(answer);
  return documents;
}
ServedDocuments without(const std::string& path) {
  auto documents = whole_cluster();
  documents.erase(path);
  return documents;
}

TEST(ClusterReader, FindsAKindInAnotherVersionOfItsGroup) {
  const ClusterBench bench(
      {{"/apis/g", test::json_answer(R"({"preferredVersion":{"groupVersion":"g/v1"},"versions":[)"
                                     R"({"groupVersion":"g/v1"},{"groupVersion":"g/v0"}]})")},
       {"/apis/g/v1", test::json_answer(R"({"resources":[{"name":"ks/scale","kind":"K"},)"
                                        R"({"name":"ks","kind":"K"}]})")},
       {"/apis/g/v0", test::json_answer(R"({"resources":[{"name":"olds","kind":"Old"}]})")}});
  ClusterReader cluster(bench.server.access());
  const auto kind = cluster.kind("g/v2", "K");
  ASSERT_TRUE(kind) << kind.error().sentence;
  EXPECT_EQ(kind->root(), "/apis/g/v1");
  EXPECT_EQ(kind->qualified(), "ks.g");
  const int asked = bench.server.asked();
  EXPECT_EQ(cluster.kind("g/v2", "K")->plural, "ks");
  EXPECT_EQ(bench.server.asked(), asked) << "known by now";
  EXPECT_EQ(cluster.kind("g/v1", "Old")->version, "g/v0");
  const auto none = cluster.kind("g/v1", "None");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().status, 404);
  EXPECT_EQ(none.error().client, "no matches for kind \"None\" in group \"g\"");
}

TEST(ClusterReader, TellsWhatSaysNothingFromWhatFails) {
  auto plain = test::json_answer("upstream is down", 502);
  plain.content_type = "text/plain";
  const ClusterBench bench({{"/forbidden", status_answer(403, "Forbidden", "you may not")},
                            {"/down", plain},
                            {"/broken", test::json_answer("{")}});
  ClusterReader cluster(bench.server.access());
  const auto forbidden = cluster.get("/forbidden");
  ASSERT_FALSE(forbidden);
  EXPECT_TRUE(forbidden.error().says_nothing());
  EXPECT_TRUE(forbidden.error().from_api);
  EXPECT_EQ(forbidden.error().sentence, "/forbidden answers you may not (403)");
  const auto down = cluster.get("/down");
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().status, 502);
  EXPECT_FALSE(down.error().says_nothing());
  EXPECT_FALSE(down.error().from_api);
  const auto broken = cluster.get("/broken");
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().says_nothing()) << "no answer at all";
  EXPECT_EQ(broken.error().sentence, "/broken: the answer is not JSON");
}

TEST(ClusterSubject, HasTheTargetThePodsTheRivalsAndTheValues) {
  const ClusterBench bench(whole_cluster());
  const auto subject = bench.subject();
  ASSERT_TRUE(subject) << subject.error().message;
  const auto& input = subject->input;
  const auto& seen = input.forecast.seen;
  EXPECT_EQ(subject->assumptions, std::vector<std::string>());
  EXPECT_EQ(to_string(input.forecast.platform.version), "1.31");
  EXPECT_EQ(input.max_size, 8);
  EXPECT_EQ(input.min_size, 2);
  EXPECT_EQ(input.maximum_size, 7);
  EXPECT_EQ(input.cluster->target, TargetState::found);
  EXPECT_EQ(input.cluster->target_resource, "miniclusters.flux-framework.org");
  EXPECT_EQ(seen.spec_replicas, 3);
  EXPECT_EQ(seen.selector, "job-name=x");
  EXPECT_EQ(seen.pods_listed, 2);
  EXPECT_EQ(seen.pods_ready, 1);
  ASSERT_TRUE(seen.pods);
  EXPECT_EQ(seen.pods->at(0).requests.at(0).second.at("cpu"), 250);
  EXPECT_EQ(seen.pods->at(1).ready, hpa::PodReady::absent);
  EXPECT_EQ(seen.rivals, std::vector<std::string>{"other"});
  const auto* value = hpa::object_value(seen, input.forecast.spec.metrics.at(0));
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(*value, 5500);
}

TEST(ClusterSubject, SaysWhichHpaIsNotThere) {
  const ClusterBench bench(without(hpas + "/h"));
  const auto subject = bench.subject();
  ASSERT_FALSE(subject);
  EXPECT_EQ(subject.error().code, Code::not_found);
  EXPECT_TRUE(subject.error().message.starts_with(hpas + "/h answers")) << subject.error().message;
}

TEST(ExplainTarget, IsAbsentInThreeWays) {
  const auto state = [](const ServedDocuments& documents) {
    const ClusterBench bench(documents);
    const auto subject = bench.subject();
    EXPECT_TRUE(subject);
    EXPECT_FALSE(subject->input.forecast.seen.faults.get_scale.empty());
    return subject->input.cluster.value_or(ClusterFacts{});
  };
  EXPECT_EQ(state(without("/apis/flux-framework.org/v1alpha2")).target, TargetState::no_kind);
  EXPECT_EQ(state(without(miniclusters + "/x/scale")).target, TargetState::no_scale);
  auto renamed = without(miniclusters + "/x/scale");
  renamed.erase(miniclusters + "/x");
  renamed[miniclusters] = test::json_answer(R"({"items":[{"metadata":{"name":"y"}}]})");
  const auto facts = state(renamed);
  EXPECT_EQ(facts.target, TargetState::no_object);
  EXPECT_EQ(facts.siblings, std::vector<std::string>{"y"}) << "what may have been meant";
}

TEST(ExplainTarget, IsWhatTheStatusSaysWhereNobodyMayLook) {
  auto documents = with(miniclusters + "/x/scale", status_answer(403, "Forbidden", "no"));
  documents[miniclusters + "/x"] = status_answer(403, "Forbidden", "no");
  documents[hpas + "/h"] = test::json_answer(
      hpa_text(object_metric("s", "node_wanted_count"),
               R"({"currentReplicas":6,"desiredReplicas":6,"conditions":[{"type":"AbleToScale",)"
               R"("status":"True","reason":"ReadyForNewScale","message":"ready"}]})"));
  const ClusterBench bench(documents);
  const auto subject = bench.subject();
  ASSERT_TRUE(subject) << subject.error().message;
  const auto& seen = subject->input.forecast.seen;
  EXPECT_EQ(subject->input.cluster->target, TargetState::unreadable);
  EXPECT_EQ(seen.spec_replicas, 6);
  EXPECT_EQ(seen.pods_ready, 6) << "assumed";
  EXPECT_TRUE(seen.faults.get_scale.empty()) << "the controller may look";
  EXPECT_TRUE(std::ranges::any_of(subject->assumptions, [](const std::string& text) {
    return text.contains("the target's scale cannot be read") && text.contains("the HPA's own status says");
  }));
}

// The one outage of a cluster whose metric of `service` is asked for.
MetricOutage outage_of(const ServedDocuments& documents) {
  const ClusterBench bench(documents);
  const auto subject = bench.subject();
  EXPECT_TRUE(subject);
  EXPECT_EQ(hpa::object_value(subject->input.forecast.seen, subject->input.forecast.spec.metrics.at(0)),
            nullptr);
  EXPECT_EQ(subject->input.forecast.seen.metric_faults.size(), 1U);
  const auto& outages = subject->input.cluster->outages;
  EXPECT_EQ(outages.size(), 1U);
  return outages.empty() ? MetricOutage{} : outages.front();
}

TEST(ExplainValues, KnowWhyThereIsNone) {
  const auto path = custom + "/namespaces/ns/services/s/node_wanted_count";
  EXPECT_EQ(outage_of(without(path)).kind, MetricOutage::Kind::no_object) << "the metric is listed";

  auto unlisted = without(path);
  unlisted[custom] = test::json_answer(
      R"({"resources":[{"name":"services/node_up_count"},{"name":"pods/node_wanted_count"}]})");
  const auto outage = outage_of(unlisted);
  EXPECT_EQ(outage.kind, MetricOutage::Kind::no_metric);
  EXPECT_EQ(outage.offered, std::vector<std::string>{"node_up_count"}) << "of services";

  auto unserved = without(path);
  unserved[path] = test::json_answer("404 page not found", 404);
  unserved.erase("/apis/custom.metrics.k8s.io");
  EXPECT_EQ(outage_of(unserved).kind, MetricOutage::Kind::no_server);

  auto down = with(path, status_answer(503, "ServiceUnavailable", "the server is unable to handle it"));
  down["/apis/apiregistration.k8s.io/v1/apiservices/v1beta2.custom.metrics.k8s.io"] = test::json_answer(
      R"({"spec":{"service":{"namespace":"flux","name":"adapter"}},"status":{"conditions":[)"
      R"({"type":"Available","status":"False","reason":"MissingEndpoints","message":"none"}]}})");
  const auto unavailable = outage_of(down);
  EXPECT_EQ(unavailable.kind, MetricOutage::Kind::unavailable);
  EXPECT_EQ(unavailable.status, 503);
  EXPECT_EQ(unavailable.service, "flux/adapter");
  EXPECT_EQ(unavailable.available, "False");
  EXPECT_EQ(unavailable.why, "MissingEndpoints: none");
}

TEST(ExplainValues, AreNotKnownWhereNobodyMayAsk) {
  const ClusterBench bench(
      with(custom + "/namespaces/ns/services/s/node_wanted_count", status_answer(403, "Forbidden", "no")));
  const auto subject = bench.subject();
  ASSERT_TRUE(subject) << subject.error().message;
  EXPECT_EQ(subject->untold, std::vector<std::string>{"node_wanted_count"});
  EXPECT_TRUE(subject->input.cluster->outages.empty()) << "the controller may ask";
  EXPECT_TRUE(subject->input.forecast.seen.metric_faults.empty());
}

TEST(ExplainValues, AreEachObjectsOwn) {
  auto documents =
      with(hpas + "/h", test::json_answer(hpa_text(object_metric("s", "m") + "," + object_metric("t", "m"))));
  documents[custom + "/namespaces/ns/services/s/m"] = test::json_answer(R"({"items":[{"value":"7"}]})");
  documents[custom + "/namespaces/ns/services/t/m"] =
      test::json_answer(R"({"items":[{"value":"8"},{"value":"9"}]})");
  const ClusterBench bench(documents);
  const auto subject = bench.subject();
  ASSERT_TRUE(subject) << subject.error().message;
  const auto& metrics = subject->input.forecast.spec.metrics;
  auto seen = subject->input.forecast.seen;
  ASSERT_NE(hpa::object_value(seen, metrics.at(0)), nullptr);
  EXPECT_EQ(*hpa::object_value(seen, metrics.at(0)), 7000);
  EXPECT_EQ(hpa::object_value(seen, metrics.at(1)), nullptr);
  EXPECT_TRUE(seen.metric_faults.at(hpa::metric_key(metrics.at(1))).contains("returned 2 results"));

  // A value that is tried for one of them is not the other's.
  seen = hpa::with_value(subject->input.forecast.spec, std::move(seen), 0, 1000);
  EXPECT_EQ(*hpa::object_value(seen, metrics.at(0)), 1000);
  EXPECT_EQ(hpa::object_value(seen, metrics.at(1)), nullptr);
}

TEST(ExplainValues, QuantitiesAreThousandths) {
  const auto resources = resources_of(json::parse(R"({"cpu":"250m","memory":"1Ki","gpu":2,"bad":"x"})"));
  EXPECT_EQ(resources, (hpa::Resources{{"cpu", 250}, {"gpu", 2000}, {"memory", 1'024'000}}));
  EXPECT_TRUE(resources_of(json::value()).empty());
}

}  // namespace
}  // namespace fluxmetrics::explain
