#include "kube/pod_watcher.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "kube/api_server.hpp"

namespace fluxmetrics::kube {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

json::object pod_of(const std::string& name, int index, int version) {
  return {{"metadata",
           {{"namespace", "flux"},
            {"name", name},
            {"uid", name},
            {"resourceVersion", std::to_string(version)},
            {"labels", {{"batch.kubernetes.io/job-completion-index", std::to_string(index)}}}}}};
}

std::string pod_event(const char* type, const json::object& pod) {
  return json::serialize(json::object{{"type", type}, {"object", pod}});
}

struct PodsBench {
  asio::io_context io;
  ApiServer server{io};
  json::array pods = {pod_of("a", 0, 1), pod_of("b", 1, 2)};
  int status = 200;
  std::string job = "sample";
  PodStore store;
  RestClient client{io.get_executor(), server.access()};
  PodWatcher watcher{client, store, "flux", [this] { return job; }};

  PodsBench() {
    server.answer = [this](const Asked& asked) {
      if (status != 200) return Answer{.status = status, .body = R"({"message":"no"})"};
      if (asked.target.contains("watch=true")) return Answer{.then = Answer::Then::watch};
      return Answer{
          .body = json::serialize(json::object{{"metadata", {{"resourceVersion", "10"}}}, {"items", pods}})};
    };
    asio::co_spawn(io, watcher.run(), [](const std::exception_ptr& fault) { EXPECT_FALSE(fault); });
  }
  // "0:a 1:b"; "?" while they are not known.
  [[nodiscard]] std::string table() const {
    const auto view = store.view();
    if (!view.table) return "?";
    std::string text;
    for (const auto& [index, pod] : *view.table)
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", index, pod->name);
    return text;
  }
  void expect(const std::string& wanted) {
    EXPECT_TRUE(run_until(io, [&] { return table() == wanted; })) << table();
  }
};

TEST(PodWatcher, PublishesAListAtOnceAndThenEachChange) {
  PodsBench bench;
  EXPECT_EQ(bench.table(), "?");
  bench.expect("0:a 1:b");
  EXPECT_EQ(bench.store.generation(), 1U) << "one table of the whole list";
  EXPECT_TRUE(bench.server.asked.front().target.starts_with(
      "/api/v1/namespaces/flux/pods?labelSelector=batch.kubernetes.io%2Fjob-name%3Dsample&limit="));
  EXPECT_TRUE(bench.server.asked.front().header("Accept").contains("PartialObjectMetadataList"));
  ASSERT_TRUE(run_until(bench.io, [&] { return bench.server.watches() == 1; }));
  bench.server.tell(pod_event("MODIFIED", pod_of("a", 0, 11)));
  bench.server.tell(pod_event("ADDED", pod_of("c", 2, 12)));
  bench.expect("0:a 1:b 2:c");
  EXPECT_EQ(bench.store.generation(), 2U) << "a pod's new version alone is no news";
  bench.server.tell(pod_event("DELETED", pod_of("b", 1, 13)));
  bench.expect("0:a 2:c");
}

TEST(PodWatcher, SaysWhatRightItLacks) {
  PodsBench bench;
  bench.status = 403;
  ASSERT_TRUE(run_until(bench.io, [&] { return bench.store.view().trouble.has_value(); }));
  const auto trouble = *bench.store.view().trouble;
  EXPECT_EQ(trouble.code, Code::denied);
  EXPECT_EQ(trouble.message,
            "this server is not allowed to list pods: no (403); give it a Role in the namespace flux with "
            "apiGroups "
            "[\"\"], resources [pods], verbs [get, list, watch]");
  EXPECT_EQ(bench.table(), "?");
  bench.status = 200;
  bench.expect("0:a 1:b");
  EXPECT_FALSE(bench.store.view().trouble);
}

TEST(PodWatcher, WaitsForTheJobsName) {
  PodsBench bench;
  bench.job.clear();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(250);
  (void)run_until(bench.io, [end] { return std::chrono::steady_clock::now() > end; });
  EXPECT_TRUE(bench.server.asked.empty());
  bench.job = "sample";
  bench.expect("0:a 1:b");
}

}  // namespace
}  // namespace fluxmetrics::kube
