#include "kube/pods.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "kube/watch.hpp"

namespace fluxmetrics::kube {
namespace {

std::optional<Pod> read(const char* text) {
  return pod_from_json(boost::json::parse(text).as_object());
}

TEST(Pod, IsReadWithItsIndexAndLabels) {
  const auto pod = read(R"({"metadata":{"name":"a-3-x","creationTimestamp":"2026-11-22T12:00:00Z",
      "labels":{"batch.kubernetes.io/job-completion-index":"3","app":"flux"}}})");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->name, "a-3-x");
  EXPECT_EQ(pod->index, 3U);
  EXPECT_FALSE(pod->leaving);
  EXPECT_EQ(pod->labels.back(), (std::pair<std::string, std::string>("app", "flux")));
  const auto old = read(R"({"metadata":{"name":"a","deletionTimestamp":"2026-11-22T12:00:00Z",
      "annotations":{"batch.kubernetes.io/job-completion-index":"0"}}})");
  ASSERT_TRUE(old) << "Kubernetes 1.27 has the annotation only";
  EXPECT_TRUE(old->leaving);
}

TEST(Pod, IsNoneWithoutNameOrIndex) {
  for (const char* text :
       {"{}", R"({"metadata":[]})", R"({"metadata":{"name":"a"}})",
        R"({"metadata":{"name":"a","labels":null}})",
        R"({"metadata":{"labels":{"batch.kubernetes.io/job-completion-index":"1"}}})",
        R"({"metadata":{"name":"a","labels":{"batch.kubernetes.io/job-completion-index":"-1"}}})",
        R"({"metadata":{"name":"a","labels":{"batch.kubernetes.io/job-completion-index":"1x"}}})",
        R"({"metadata":{"name":"a","labels":{"batch.kubernetes.io/job-completion-index":"99999999999"}}})",
        R"({"metadata":{"name":"a","labels":{"batch.kubernetes.io/job-completion-index":1}}})"}) {
    EXPECT_FALSE(read(text)) << text;
  }
}

PodPtr pod(const std::string& name, std::uint32_t index, const std::string& created, bool leaving = false) {
  return std::make_shared<const Pod>(
      Pod{.name = name, .index = index, .labels = {}, .leaving = leaving, .created = created});
}

TEST(PodTable, HasTheBestPodOfEachIndex) {
  PodsByName pods;
  for (const auto& each : {pod("old", 1, "2026-11-22T12:00:00Z"), pod("young", 1, "2026-11-22T12:05:00Z"),
                           pod("youngest-leaves", 1, "2026-11-22T12:06:00Z", true),
                           pod("alone-and-leaving", 2, "2026-11-22T12:00:00Z", true)}) {
    pods[each->name] = each;
  }
  const auto table = pods_by_index(pods);
  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(table.at(1)->name, "young");
  EXPECT_EQ(table.at(2)->name, "alone-and-leaving");
}

TEST(PodStore, KeepsWhatWasKnownUnlessItIsForbidden) {
  PodStore store;
  EXPECT_EQ(store.view().table, nullptr);
  store.publish({{0, pod("a", 0, "")}});
  const auto first = store.generation();
  store.set_trouble({.code = Code::unavailable, .message = "away"});
  EXPECT_NE(store.view().table, nullptr);
  EXPECT_EQ(store.view().trouble->message, "away");
  EXPECT_EQ(store.generation(), first);
  store.set_trouble({.code = Code::denied, .message = "no"});
  EXPECT_EQ(store.view().table, nullptr);
  EXPECT_NE(store.generation(), first);
  store.publish({});
  EXPECT_FALSE(store.view().trouble);
  EXPECT_NE(store.view().table, nullptr) << "none is an answer too";
}

TEST(WatchEvent, IsALine) {
  const auto event =
      parse_event(R"({"type":"DELETED","object":{"kind":"Pod","metadata":{"resourceVersion":"7"}}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, WatchEvent::Type::deleted);
  EXPECT_EQ(version_of(event->object), "7");
  EXPECT_EQ(version_of({}), "");
  const auto error = parse_event(R"({"type":"ERROR","object":{"code":410,"message":"too old"}})");
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().code, Code::expired);
  EXPECT_NE(error.error().message.find("too old"), std::string::npos);
  for (const char* text : {"", "{", "[]", R"({"type":1,"object":{}})", R"({"type":"ADDED","object":[]})",
                           R"({"type":"RENAMED","object":{}})", R"({"object":{}})"}) {
    const auto bad = parse_event(text);
    ASSERT_FALSE(bad) << text;
    EXPECT_EQ(bad.error().code, Code::protocol) << text;
  }
}

}  // namespace
}  // namespace fluxmetrics::kube
