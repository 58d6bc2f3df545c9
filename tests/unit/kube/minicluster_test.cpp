#include "kube/minicluster.hpp"

#include <gtest/gtest.h>
#include <map>

#include "kube/api_server.hpp"

namespace fluxmetrics::kube {
namespace {

constexpr const char* minicluster_of_f = "/apis/flux-framework.org/v1alpha2/namespaces/n/miniclusters/f";
constexpr const char* job_of_f = "/apis/batch/v1/namespaces/n/jobs/f";

// An API server that has a MiniCluster f in the namespace n.
struct MiniClusterBench {
  boost::asio::io_context io;
  ApiServer server{io};
  RestClient client{io.get_executor(), server.access()};
  std::map<std::string, Answer> answers{
      {minicluster_of_f, {.body = R"({"spec":{"size":3},"status":{"size":0}})"}},
      {job_of_f, {.body = R"({"spec":{"parallelism":2,"completions":2}})"}},
      {"pods", {.body = R"({"items":[
          {"metadata":{"name":"f-0-a","labels":{"batch.kubernetes.io/job-completion-index":"0"}}},
          {"metadata":{"name":"f-1-a","labels":{"batch.kubernetes.io/job-completion-index":"1"}}},
          {"metadata":{"name":"f-1-b","deletionTimestamp":"2026-11-22T12:00:00Z",
                       "labels":{"batch.kubernetes.io/job-completion-index":"1"}}},
          {"metadata":{"name":"f-2-a","deletionTimestamp":"2026-11-22T12:00:00Z",
                       "labels":{"batch.kubernetes.io/job-completion-index":"2"}}},
          {"metadata":{"name":"stranger"}}, 7]})"}}};

  MiniClusterBench() {
    server.answer = [this](const Asked& asked) {
      const bool pods = asked.target.starts_with("/api/v1/namespaces/n/pods?labelSelector=");
      const bool more = asked.target.contains("&continue=");
      const auto found = answers.find(more ? "more" : pods ? "pods" : asked.target);
      return found == answers.end() ? Answer{.status = 404} : found->second;
    };
  }
  Result<MiniClusterSight> look() { return finish(io, look_at_minicluster(client, "n", "f", Seconds(5))); }
};

TEST(MiniCluster, IsSeenWithItsJobAndItsPods) {
  MiniClusterBench bench;
  const auto sight = bench.look();
  ASSERT_TRUE(sight) << sight.error().message;
  EXPECT_EQ(sight->size, 3U) << "what was asked for; status.size can be wrong for ever";
  EXPECT_EQ(sight->parallelism, 2U);
  EXPECT_EQ(sight->staying, (std::set<std::uint32_t>{0, 1}));
  EXPECT_EQ(sight->terminating, (std::set<std::uint32_t>{1, 2}));
  ASSERT_EQ(bench.server.asked.size(), 3U);
  EXPECT_TRUE(bench.server.asked[2].header("Accept").contains("PartialObjectMetadataList"));
}

TEST(MiniCluster, HasItsPodsToldInPages) {
  MiniClusterBench bench;
  const auto pod = [](const char* index) {
    return std::string(R"({"metadata":{"name":"f-)") + index +
           R"(","labels":{"batch.kubernetes.io/job-completion-index":")" + index + R"("}}})";
  };
  bench.answers["pods"].body =
      R"({"metadata":{"continue":"a b"},"items":[)" + pod("0") + "," + pod("1") + "]}";
  bench.answers["more"].body = R"({"metadata":{"continue":""},"items":[)" + pod("2") + "]}";
  const auto sight = bench.look();
  ASSERT_TRUE(sight) << sight.error().message;
  EXPECT_EQ(sight->staying, (std::set<std::uint32_t>{0, 1, 2}));
  ASSERT_EQ(bench.server.asked.size(), 4U);
  EXPECT_TRUE(bench.server.asked[2].target.ends_with("&limit=500"));
  EXPECT_TRUE(bench.server.asked[3].target.ends_with("&limit=500&continue=a%20b"));
  bench.answers["more"].status = 410;
  EXPECT_FALSE(bench.look()) << "half of the pods are not the pods";
}

TEST(MiniCluster, MayHaveNoJobYet) {
  MiniClusterBench bench;
  bench.answers.erase(job_of_f);
  const auto sight = bench.look();
  ASSERT_TRUE(sight) << sight.error().message;
  EXPECT_FALSE(sight->parallelism);
}

TEST(MiniCluster, IsNotMadeUp) {
  MiniClusterBench bench;
  bench.answers[minicluster_of_f].body = R"({"spec":{"size":-1}})";
  ASSERT_FALSE(bench.look());
  EXPECT_EQ(bench.look().error().code, Code::protocol);
  bench.answers.erase(minicluster_of_f);
  ASSERT_FALSE(bench.look());
  EXPECT_EQ(bench.look().error().code, Code::not_found);
}

TEST(MiniCluster, NamesTheRightThatIsMissing) {
  for (const auto& [path, words] : {std::pair{minicluster_of_f, "resources [miniclusters]"},
                                    {job_of_f, "apiGroups [batch], resources [jobs]"},
                                    {"pods", "resources [pods]"}}) {
    MiniClusterBench bench;
    bench.answers[path].status = 403;
    const auto refused = bench.look();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::denied);
    EXPECT_TRUE(refused.error().message.contains(words)) << refused.error().message;
  }
}

}  // namespace
}  // namespace fluxmetrics::kube
