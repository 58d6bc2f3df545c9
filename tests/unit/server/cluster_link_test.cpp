#include "server/cluster_link.hpp"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include "support/api_server.hpp"
#include "support/environment.hpp"

namespace fluxmetrics::server {
namespace {

TEST(ClusterLinks, NeedAClusterForBothQuestionsOrForNone) {
  const test::EnvironmentVariable variable("KUBERNETES_SERVICE_HOST", nullptr);
  const auto none = ClusterLink::find({});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(*none, nullptr);
  const auto unreadable = ClusterLink::find({.kubeconfig = "/nonexistent/kubeconfig"});
  ASSERT_FALSE(unreadable);
  EXPECT_TRUE(unreadable.error().message.contains("/nonexistent/kubeconfig"));
}

TEST(ClusterLinks, AskOneClusterOrTwo) {
  const auto nothing = [](const http::Request&) { return test::json_answer("{}", 404); };
  const test::ApiServer first(nothing);
  const test::ApiServer second(nothing);
  const auto one = ClusterLink::find({.kubeconfig = first.kubeconfig()});
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_NE(*one, nullptr);
  EXPECT_FALSE((*one)->description().contains(" and "));
  EXPECT_NE((*one)->authority().tokens, nullptr);

  const auto two = ClusterLink::find(
      {.authentication_kubeconfig = first.kubeconfig(), .authorization_kubeconfig = second.kubeconfig()});
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_TRUE((*two)->description().contains(" and "));
  EXPECT_NE((*two)->authority().tokens, (*two)->authority().access);

  const auto half = ClusterLink::find({.authentication_kubeconfig = first.kubeconfig()});
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, Code::invalid);
  EXPECT_TRUE(half.error().message.contains("give both --authentication-kubeconfig and"));

  const auto pods_only = ClusterLink::find({.kubeconfig = first.kubeconfig(), .authenticates = false});
  ASSERT_TRUE(pods_only);
  EXPECT_EQ((*pods_only)->authority().tokens, nullptr) << "it is asked about no client";
}

TEST(ClusterLinks, ReadTheirClusterOnceTheyAreStarted) {
  std::atomic<bool> config_asked = false;
  std::atomic<bool> pods_asked = false;
  const test::ApiServer cluster([&](const http::Request& request) {
    if (request.target.contains("extension-apiserver-authentication")) config_asked = true;
    if (request.target.contains("/namespaces/ns/pods") && request.target.contains("job-of-flux"))
      pods_asked = true;
    return test::json_answer(R"({"metadata":{"resourceVersion":"1"},"items":[]})");
  });
  const auto link = ClusterLink::find({.kubeconfig = cluster.kubeconfig()});
  ASSERT_TRUE(link) << link.error().message;
  (*link)->start("ns", [] { return std::string("job-of-flux"); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!(config_asked && pods_asked) && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(config_asked);
  EXPECT_TRUE(pods_asked);
  EXPECT_EQ((*link)->authority().state->generation(), 0U) << "there is no such ConfigMap";
  EXPECT_TRUE((*link)->stop());
  EXPECT_TRUE((*link)->stop()) << "again";
}

}  // namespace
}  // namespace fluxmetrics::server
