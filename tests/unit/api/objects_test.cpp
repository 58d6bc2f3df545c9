#include "api/objects.hpp"

#include "api/bench.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::api {
namespace {

using support::ids;
using support::InstanceBuilder;

const std::string home = std::string(v2) + "/namespaces/flux-operator";
const std::string cores = "/node_cores_allocated_count";

std::string name_for(const std::string& said, const std::string& hostname) {
  const auto state = Bench::leader_of(hostname);
  return minicluster_name(said, &state);
}

TEST(MiniclusterName, IsTheLeadersHostNameLessItsIndex) {
  EXPECT_EQ(name_for("", "flux-sample-0"), "flux-sample");
  EXPECT_EQ(name_for("", "lammps-12-0.flux-service.flux-operator.svc"), "lammps-12");
  EXPECT_EQ(name_for("", "login1"), "");
  EXPECT_EQ(name_for("", "node-a"), "");
  EXPECT_EQ(name_for("", "-0"), "");
  EXPECT_EQ(name_for("", "node-"), "");
  EXPECT_EQ(name_for("mine", "flux-sample-0"), "mine");
  EXPECT_EQ(minicluster_name("", nullptr), "");
}

TEST(Objects, TheMiniClusterIsOne) {
  Bench bench;
  bench.publish();
  const std::string body =
      R"({"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[)"
      R"({"describedObject":{"kind":"MiniCluster","namespace":"flux-operator","name":"flux-sample",)"
      R"("apiVersion":"flux-framework.org/v1alpha2"},"metric":{"name":"node_up_count","selector":null},)"
      R"("timestamp":"2026-11-22T12:00:00Z","value":"4"}]})"
      "\n";
  for (const auto& path :
       {"/miniclusters.flux-framework.org/flux-sample", "/miniclusters.flux-framework.org/%2A",
        "/miniclusters/flux-sample", "/minicluster.flux-framework.org/flux-sample"}) {
    const auto response = bench.get(home + path + "/node_up_count");
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(*response.body, body) << path;
  }
  const auto selected = bench.get(home +
                                  "/miniclusters.flux-framework.org/flux-sample/"
                                  "job_count?metricLabelSelector=queue%3Dbatch");
  EXPECT_NE(selected.body->find(R"("value":"3")"), std::string::npos) << *selected.body;
}

TEST(Objects, AMiniClusterThatNobodyKnowsIsNone) {
  Bench bench;
  const auto path = home + "/miniclusters.flux-framework.org/login1/node_up_count";
  EXPECT_EQ(bench.get(path).status, 503) << "Flux may tell";
  bench.instance = Bench::leader_of("login1");
  bench.publish();
  const auto response = bench.get(path);
  EXPECT_EQ(response.status, 404);
  EXPECT_TRUE(message_of(response).ends_with(
      "the MiniCluster is not known, the leader's host name does not end in -N: see --minicluster"))
      << message_of(response);
  EXPECT_EQ(bench.get(home + "/pods/%2A" + cores).status, 404);
  Bench named({.minicluster = "login1"});
  named.instance = Bench::leader_of("login1");
  named.publish();
  EXPECT_EQ(named.get(path).status, 200);
}

kube::PodPtr pod(std::uint32_t index, const std::string& name, const std::string& tier = "one") {
  return std::make_shared<const kube::Pod>(
      kube::Pod{.name = name, .index = index, .labels = {{"tier", tier}}, .created = "2026-11-22T12:00:00Z"});
}

// Four ranks of eight cores and two gpus, of which 0 to 2 are up; rank 1 is busy. Three pods.
struct PodsBench : Bench {
  PodsBench() {
    instance = InstanceBuilder(4).online("0-2").use("1", "0-3", "0");
    instance.hostname = "flux-sample-0";
    publish();
    pods.publish({{0, pod(0, "flux-sample-0-abc")},
                  {1, pod(1, "flux-sample-1-xyz", "two")},
                  {3, pod(3, "flux-sample-3-new", "two")}});
  }
  // "name value" of each item, or the message.
  std::string items(const std::string& path) {
    const auto response = get(home + path);
    if (response.status != 200) return fmt::format("{} {}", response.status, message_of(response));
    std::string text;
    const auto body = boost::json::parse(*response.body);
    for (const auto& item : body.at("items").as_array()) {
      EXPECT_EQ(item.at("describedObject").at("kind"), "Pod");
      EXPECT_EQ(item.at("describedObject").at("namespace"), "flux-operator");
      text += fmt::format("{} {}; ", item.at("describedObject").at("name").as_string().c_str(),
                          item.at("value").as_string().c_str());
    }
    return text;
  }
};

TEST(Pods, HaveTheNumbersOfTheirRanks) {
  PodsBench bench;
  EXPECT_EQ(bench.items("/pods/%2A" + cores),
            "flux-sample-0-abc 0; flux-sample-1-xyz 4; flux-sample-3-new 0; ");
  EXPECT_EQ(bench.items("/pods/*/node_gpus_allocated_count"),
            "flux-sample-0-abc 0; flux-sample-1-xyz 1; flux-sample-3-new 0; ");
  EXPECT_EQ(bench.items("/pods/*/core_utilization_ratio"), "flux-sample-0-abc 0; flux-sample-1-xyz 500m; ")
      << "a rank that is not up has no ratio";
  EXPECT_EQ(bench.items("/pods/flux-sample-1-xyz" + cores), "flux-sample-1-xyz 4; ");
  EXPECT_EQ(bench.items("/pods/flux-sample-3-new/core_utilization_ratio"),
            "503 the metric core_utilization_ratio has no value now: its rank is not up, and a ratio needs "
            "cores that are");
}

TEST(Pods, AreSelectedByTheirLabelsAndNames) {
  PodsBench bench;
  EXPECT_EQ(bench.items("/pods/*" + cores + "?labelSelector=tier%3Dtwo"),
            "flux-sample-1-xyz 4; flux-sample-3-new 0; ");
  EXPECT_EQ(bench.items("/pods/*" + cores + "?labelSelector=tier+notin+(two)"), "flux-sample-0-abc 0; ");
  EXPECT_EQ(bench.items("/pods/*" + cores + "?labelSelector=tier=none"), "");
  EXPECT_EQ(bench.items("/pods/*" + cores + "?fieldSelector=metadata.name=flux-sample-0-abc"),
            "flux-sample-0-abc 0; ");
  EXPECT_EQ(bench.items("/pods/*" + cores + "?labelSelector=a+b"),
            "400 unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
}

TEST(Pods, OthersAndOtherMetricsAreToldWhatThereIs) {
  PodsBench bench;
  EXPECT_EQ(bench.items("/pods/other" + cores),
            "404 the server could not find the metric node_cores_allocated_count for pods other: the "
            "MiniCluster's pods are flux-sample-0-abc, flux-sample-1-xyz, flux-sample-3-new");
  EXPECT_EQ(bench.items("/pods/*/node_up_count"),
            "404 the server could not find the metric node_up_count for pods: metrics of pods are "
            "core_utilization_ratio, node_cores_allocated_count, node_gpus_allocated_count");
  EXPECT_EQ(bench.items("/pods/*" + cores + "?metricLabelSelector=queue=batch"),
            "404 the server could not find the metric node_cores_allocated_count for pods with selector "
            "queue=batch: it has no labels to select by");
  bench.pods.publish({});
  EXPECT_EQ(bench.items("/pods/other" + cores),
            "404 the server could not find the metric node_cores_allocated_count for pods other: the "
            "MiniCluster has no pods now");
  EXPECT_EQ(bench.items("/pods/*" + cores), "");
}

TEST(Pods, ComeAndGoBetweenTwoSnapshots) {
  PodsBench bench;
  EXPECT_EQ(bench.items("/pods/flux-sample-1-xyz" + cores), "flux-sample-1-xyz 4; ");
  EXPECT_EQ(bench.items("/pods/*" + cores + "?labelSelector=tier=two"),
            "flux-sample-1-xyz 4; flux-sample-3-new 0; ");
  bench.pods.publish({{1, pod(1, "flux-sample-1-again", "two")}});
  EXPECT_EQ(bench.items("/pods/*" + cores + "?labelSelector=tier=two"), "flux-sample-1-again 4; ");
  EXPECT_TRUE(bench.items("/pods/flux-sample-1-xyz" + cores).starts_with("404 "));
}

TEST(Pods, ThatMayNotBeListedAre403AndThoseThatCannotBeAre503) {
  PodsBench bench;
  bench.pods.set_trouble({.code = Code::unavailable, .message = "the API server is away"});
  EXPECT_EQ(bench.items("/pods/flux-sample-1-xyz" + cores), "flux-sample-1-xyz 4; ")
      << "what was known stays";
  bench.pods.set_trouble({.code = Code::denied, .message = "this server is not allowed to list pods"});
  EXPECT_EQ(bench.items("/pods/*" + cores),
            "403 the metric node_cores_allocated_count for pods: this server is not allowed to list pods");
  EXPECT_EQ(reason_of(bench.get(home + "/pods/*" + cores)), "Forbidden");
  bench.pods.set_trouble({.code = Code::unavailable, .message = "the API server is away"});
  EXPECT_EQ(
      bench.items("/pods/*" + cores),
      "503 the metric node_cores_allocated_count has no value now: the pods of the MiniCluster cannot be "
      "listed: the API server is away");
  bench.pods.publish({{1, pod(1, "p")}});
  EXPECT_EQ(bench.items("/pods/*" + cores), "p 4; ");
}

TEST(Pods, AreUnknownWithoutACluster) {
  Bench bench;
  bench.publish();
  Api alone(bench.options, bench.store);
  const auto response = alone.answer({.method = "GET",
                                      .target = home + "/pods/*" + cores,
                                      .headers = {},
                                      .peer = {.address = "192.0.2.1", .tls = true}});
  EXPECT_EQ(response->status, 503);
  EXPECT_TRUE(message_of(*response).ends_with("this server has none: see --kubeconfig"))
      << message_of(*response);
  EXPECT_EQ(bench.get(home + "/pods/*" + cores).status, 503) << "not listed yet";
}

TEST(Pods, OfASubInstanceAreNone) {
  PodsBench bench;
  auto snapshot = std::make_shared<metrics::Snapshot>(*bench.store.view().snapshot);
  snapshot->ranks_are_pods = false;
  snapshot->generation += 1;
  bench.store.publish(snapshot);
  EXPECT_TRUE(bench.items("/pods/*" + cores).ends_with("its ranks are no pods"));
}

}  // namespace
}  // namespace fluxmetrics::api
