// From a configuration to answers.
#include "server/metrics_server.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include "http/fixture.hpp"
#include "simulate/server.hpp"
#include "support/environment.hpp"

namespace fluxmetrics::server {
namespace {

// On a free port of this host, with neither a cluster nor a broker.
Config local_config() {
  return {.host = "127.0.0.1", .port = 0, .flux_uri = "local:///nonexistent/flux/local"};
}

class MetricsServers : public testing::Test {
 private:
  const test::EnvironmentVariable outside_a_cluster_{"KUBERNETES_SERVICE_HOST", nullptr};
};

TEST_F(MetricsServers, AreRefusedWhatTheyCannotHave) {
  auto config = local_config();
  config.flux_uri = "ssh://host/path";
  const auto elsewhere = complete(config);
  ASSERT_FALSE(elsewhere);
  EXPECT_TRUE(elsewhere.error().message.starts_with("--flux-uri: ")) << elsewhere.error().message;

  config = local_config();
  config.forward_cluster_apis = true;
  const auto alone = complete(config);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, Code::invalid);
  EXPECT_TRUE(alone.error().message.starts_with("--forward-cluster-apis: there is no cluster here"));

  config = local_config();
  config.kubeconfig = "/nonexistent/kubeconfig";
  EXPECT_FALSE(complete(config));
  config.prometheus_only = true;
  EXPECT_TRUE(complete(config)) << "no cluster is looked for";
}

TEST_F(MetricsServers, AreMisusedWithAnImpossibleCertificate) {
  auto config = local_config();
  config.ssl_certfile = "/";
  config.ssl_keyfile = "/";
  auto completed = complete(config);
  ASSERT_TRUE(completed) << completed.error().message;
  MetricsServer server(*std::move(completed));
  const auto listening = server.listen();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, Code::invalid);
  EXPECT_TRUE(listening.error().message.contains("'/' is a directory")) << listening.error().message;
}

TEST_F(MetricsServers, ConfigureTheirParts) {
  auto config = local_config();
  config.service_name = "metrics";
  config.namespace_ = "ns";
  config.request_timeout = Seconds(7);
  const auto closed = complete(config);
  ASSERT_TRUE(closed) << closed.error().message;
  EXPECT_EQ(closed->cluster, nullptr);
  ASSERT_TRUE(closed->access);
  EXPECT_EQ(closed->access->mode, access::AccessOptions::Mode::closed) << "there is no cluster to ask";
  EXPECT_EQ(closed->http.certificate.names.at(0), "metrics.ns.svc");
  EXPECT_GT(closed->http.answer_timeout, closed->api.request_timeout) << "the API ends a wait first";
  EXPECT_EQ(closed->http.shutdown_delay, Seconds(0));

  config.insecure_skip_auth = true;
  const test::EnvironmentVariable in_a_cluster("KUBERNETES_SERVICE_HOST", "127.0.0.1");
  const auto open = complete(config);
  ASSERT_TRUE(open) << open.error().message;
  EXPECT_EQ(open->access->mode, access::AccessOptions::Mode::open);
  EXPECT_EQ(open->http.shutdown_delay, Seconds(5)) << "until its Service forgets it";
  config.shutdown_delay = Seconds(0);
  EXPECT_EQ(complete(config)->http.shutdown_delay, Seconds(0));

  config.prometheus_only = true;
  const auto exporter = complete(config);
  ASSERT_TRUE(exporter) << exporter.error().message;
  EXPECT_FALSE(exporter->access);
  EXPECT_TRUE(exporter->api.prometheus_only);
  EXPECT_TRUE(exporter->api.insecure_http);
  EXPECT_TRUE(exporter->http.certificate.names.empty());
}

std::string get(std::uint16_t port, const std::string& target) {
  http::RawClient client(port);
  client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return client.read_all();
}

// What a running server of three nodes answers to a GET by plain HTTP, once that holds `wanted` or when it is
// late. The server must stop then.
std::string answer_of_running(Config config, const std::string& target, const std::string& wanted) {
  simulate::Options options;
  options.size = 3;
  options.cores = 4;
  simulate::Server instance(options);
  EXPECT_TRUE(instance.start());
  config.flux_uri = "local://" + instance.socket_path();
  auto completed = complete(config);
  if (!completed) return completed.error().message;
  MetricsServer server(*std::move(completed));
  if (const auto listening = server.listen(); !listening) return listening.error().message;
  bool tidy = false;
  std::thread thread([&] { tidy = server.run(); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  auto answer = get(server.port(), target);
  while (!answer.contains(wanted) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answer = get(server.port(), target);
  }
  server.stop();
  thread.join();
  EXPECT_TRUE(tidy);
  return answer;
}

TEST_F(MetricsServers, AnswerFromABrokerAndStop) {
  const std::string value = R"("value":"3")";
  const auto answer = answer_of_running(
      local_config(), "/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/metrics/node_up_count",
      value);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_TRUE(answer.contains(value)) << answer;
}

TEST_F(MetricsServers, AnswerPrometheusAlone) {
  auto config = local_config();
  config.prometheus_only = true;
  const std::string line = R"(flux_node_counts{state="up"} 3)";
  EXPECT_TRUE(answer_of_running(config, "/metrics", line).contains(line));
  const std::string refusal = "HTTP/1.1 404";
  EXPECT_TRUE(answer_of_running(config, "/apis", refusal).starts_with(refusal));
}

}  // namespace
}  // namespace fluxmetrics::server
