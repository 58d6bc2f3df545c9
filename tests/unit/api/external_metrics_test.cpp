#include "api/external_metrics.hpp"

#include "api/bench.hpp"

namespace fluxmetrics::api {
namespace {

const std::string root = "/apis/external.metrics.k8s.io/v1beta1/namespaces/flux-operator/";

std::string list_of(const std::string& items) {
  return R"({"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[)" +
         items + "]}\n";
}
std::string series(const std::string& metric, const std::string& labels, const std::string& value) {
  return R"({"metricName":")" + metric + R"(","metricLabels":{)" + labels +
         R"(},"timestamp":"2026-11-22T12:00:00Z","value":")" + value + "\"}";
}
std::string jobs(const std::string& queue, const std::string& state, const std::string& value) {
  return series("job_count", R"("queue":")" + queue + R"(","state":")" + state + "\"", value);
}

TEST(ExternalMetrics, AreTheItemsOfAFamily) {
  Bench bench;
  bench.publish();
  EXPECT_EQ(*bench.get(root + "node_up_count").body, list_of(series("node_up_count", "", "4")));
  EXPECT_EQ(*bench.get(root + "job_count").body,
            list_of(jobs("batch", "run", "1") + "," + jobs("batch", "sched", "2") + "," +
                    jobs("debug", "run", "0") + "," + jobs("debug", "sched", "0")));
}

TEST(ExternalMetrics, AreSelectedByTheirLabels) {
  Bench bench;
  bench.publish();
  EXPECT_EQ(
      *bench.get(root + "job_count?labelSelector=queue%3Dbatch,state+in+(sched,x)").body,
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
      R"("the server could not find the metric job_count for the namespace flux-operator with selector )"
      R"(queue=batch,state in (sched,x): there is no state 'x'; there is 'run', 'sched'",)"
      R"("reason":"NotFound","code":404})"
      "\n");
  EXPECT_EQ(*bench.get(root + "job_count?labelSelector=state+notin+(run),queue=batch").body,
            list_of(jobs("batch", "sched", "2")));
  EXPECT_EQ(*bench.get(root + "job_count?labelSelector=queue=empty").body, list_of(""));
  EXPECT_EQ(bench.get(root + "node_up_count?labelSelector=queue=batch").status, 404);
  EXPECT_EQ(bench.get(root + "node_up_count?labelSelector=a+b").status, 400);
}

TEST(ExternalMetrics, RefuseWhatTheGoServerRefuses) {
  Bench bench;
  bench.publish();
  const auto watch = bench.get(root + "node_up_count?watch=true");
  EXPECT_EQ(
      *watch.body,
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
      R"("watch is not supported on resources of kind \"*.external.metrics.k8s.io\"",)"
      R"("reason":"MethodNotAllowed","details":{"group":"external.metrics.k8s.io","kind":"*"},"code":405})"
      "\n");
  EXPECT_EQ(bench.get(root + "node_up_count?watch=false").status, 200);
  EXPECT_EQ(bench.get(root + "node_up_count?resourceVersionMatch=Exact").status, 422);
  EXPECT_EQ(bench.get(root + "node_up_count?resourceVersionMatch=Exact&resourceVersion=1").status, 200);
  EXPECT_EQ(bench.get(root + "node_up_count", {}, "POST").status, 405);
  EXPECT_EQ(bench.get(root + "node_up_count?limit=xx").status, 400);
}

TEST(ExternalMetrics, SayWhatThereIs) {
  Bench bench;
  bench.publish();
  const auto unknown = bench.get(root + "nope");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_TRUE(message_of(unknown).starts_with(
      "the server could not find the metric nope for the namespace flux-operator: there are "))
      << message_of(unknown);
  const auto elsewhere = bench.get("/apis/external.metrics.k8s.io/v1beta1/namespaces/b/node_up_count");
  EXPECT_EQ(elsewhere.status, 404);
  EXPECT_EQ(message_of(elsewhere),
            "the server could not find the metric node_up_count for the namespace b: this server's metrics "
            "belong to the namespace flux-operator; their HPA must be in the same namespace");
}

TEST(ExternalMetrics, HaveNoValueWithoutFreshData) {
  Bench bench;
  EXPECT_EQ(bench.get(root + "node_up_count").status, 503);
  bench.publish(Bench::families(), Seconds(45));
  EXPECT_EQ(bench.get(root + "node_up_count").status, 503);
  bench.publish();
  const auto first = bench.get(root + "node_up_count");
  EXPECT_EQ(bench.get(root + "node_up_count").body, first.body) << "the same buffer, not a copy";
  bench.publish(Bench::families(2));
  EXPECT_EQ(*bench.get(root + "node_up_count").body, list_of(series("node_up_count", "", "2")));
  bench.publish(Bench::families(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(bench.get(root + "node_up_count").status, 503);
  bench.publish(Bench::families(1e19));
  EXPECT_EQ(*bench.get(root + "node_up_count").body, list_of(series("node_up_count", "", "9P"))) << "clamped";
  bench.publish(Bench::families(-0.0001));
  EXPECT_EQ(*bench.get(root + "node_up_count").body, list_of(series("node_up_count", "", "0")));
}

TEST(ExternalMetrics, NamesHaveNoCase) {
  Bench bench;
  bench.publish();
  const auto response = bench.get(root + "Node_Up_COUNT");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.body, *bench.get(root + "node_up_count").body);
  EXPECT_EQ(bench.get(service_root + "Node_Up_COUNT").status, 404)
      << "custom.metrics.k8s.io is another matter";
}

}  // namespace
}  // namespace fluxmetrics::api
