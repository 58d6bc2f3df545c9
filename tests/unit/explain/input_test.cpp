// HPAs out of files, before anything is known of a cluster.
#include "explain/input.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "explain/subject.hpp"

namespace fluxmetrics::explain {
namespace {

class HpaFiles : public testing::Test {
 protected:
  HpaFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "input_test.XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~HpaFiles() override { std::filesystem::remove_all(directory_); }
  Result<HpaFile> read(const std::string& text) {
    const auto path = (directory_ / "hpa").string();
    std::ofstream(path) << text;
    return read_hpa_file(path);
  }
  std::filesystem::path directory_;
};

constexpr const char* in_a_list = R"(apiVersion: v1
kind: List
items:
- kind: MiniCluster
  metadata: {name: x}
- kind: HorizontalPodAutoscaler
  metadata: {name: h}
  spec:
    maxReplicas: 3
    minReplicas: 0x2
    maxReplicas: 4
---
kind: Service
)";

TEST_F(HpaFiles, FindTheHpaAmongOthers) {
  const auto file = read(in_a_list);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->document.at("metadata").at("name"), "h");
  ASSERT_EQ(file->others.size(), 2U);
  EXPECT_TRUE(std::ranges::any_of(
      file->others, [](const boost::json::object& other) { return other.at("kind") == "MiniCluster"; }));
  // As if the HPA were the whole file.
  ASSERT_TRUE(file->places.contains("/spec/minReplicas"));
  EXPECT_EQ(file->places.at("/spec/minReplicas").written, "0x2");
  EXPECT_EQ(file->places.at("/spec/minReplicas").line, 10U);
  EXPECT_FALSE(
      std::ranges::any_of(file->places, [](const auto& place) { return place.first.starts_with("/items"); }));
  ASSERT_EQ(file->repeated.size(), 1U);
  EXPECT_EQ(file->repeated[0].name, "spec.maxReplicas");
  EXPECT_FALSE(file->repeated[0].in_json);
}

TEST_F(HpaFiles, SayWhichFieldOfJsonIsThereTwice) {
  const auto file =
      read(R"( {"kind":"HorizontalPodAutoscaler","spec":{"metrics":[{"type":"a","type":"b"}]}})");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->repeated.size(), 1U);
  EXPECT_EQ(file->repeated[0].name, "spec.metrics[0].type");
  EXPECT_TRUE(file->repeated[0].in_json);
}

TEST_F(HpaFiles, HoldExactlyOne) {
  const auto none = read("kind: Service\n");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::invalid);
  EXPECT_TRUE(none.error().message.ends_with("holds no object of kind HorizontalPodAutoscaler"));
  const auto two = read("kind: HorizontalPodAutoscaler\n---\nkind: HorizontalPodAutoscaler\n");
  ASSERT_FALSE(two);
  EXPECT_TRUE(two.error().message.ends_with("holds 2 HorizontalPodAutoscalers: give one at a time"));
}

TEST_F(HpaFiles, AreFilesThatCanBeRead) {
  const auto absent = read_hpa_file((directory_ / "absent").string());
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::io);
  EXPECT_TRUE(absent.error().message.ends_with("No such file or directory")) << absent.error().message;
  const auto directory = read_hpa_file(directory_.string());
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, Code::io);
  const auto large = read(std::string((4U << 20U) + 1, '#'));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::invalid);
  EXPECT_TRUE(large.error().message.ends_with("is larger than an HPA can be"));
}

boost::json::object written_hpa(const std::string& version, const std::string& minimum,
                                const std::string& status = "") {
  return boost::json::
      parse(R"({"apiVersion":")" + version +
            R"(","kind":"HorizontalPodAutoscaler","metadata":{"name":"h","namespace":"n"},"spec":{"minReplicas":)" +
            minimum +
            R"(,"maxReplicas":4,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},)"
            R"("metrics":[{"type":"External","external":{"metric":{"name":"m"},)"
            R"("target":{"type":"Value","value":"1"}}}]})" +
            status + "}")
          .as_object();
}

TEST(ExplainSubjects, AreOfVersionTwo) {
  const auto subject = parse_subject(written_hpa("autoscaling/v2", "1"));
  ASSERT_TRUE(subject) << subject.error().message;
  EXPECT_EQ(subject->name, "h");
  EXPECT_EQ(subject->input.forecast.name.namespace_, "n");
  EXPECT_TRUE(subject->assumptions.empty());
  const auto beta = parse_subject(written_hpa("autoscaling/v2beta2", "1"));
  ASSERT_TRUE(beta);
  ASSERT_EQ(beta->assumptions.size(), 1U);
  EXPECT_TRUE(beta->assumptions[0].starts_with("autoscaling/v2beta2 is read like autoscaling/v2"));
  const auto first = parse_subject(written_hpa("autoscaling/v1", "1"));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Code::unsupported);
}

TEST(ExplainSubjects, ThatAreRefusedHaveANameAndTheReasons) {
  const auto refused = parse_new_subject(written_hpa("autoscaling/v2", "9"), {});
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_TRUE(refused->refused());
  EXPECT_EQ(refused->name, "h");
  EXPECT_TRUE(refused->input.forecast.spec.metrics.empty()) << "it does nothing";
  ASSERT_EQ(refused->input.refusal.invalid.size(), 1U);
  EXPECT_EQ(refused->input.refusal.invalid[0].field, "spec.maxReplicas");
}

TEST(ExplainSubjects, OfZeroWereTakenWhereTheyHaveAStatus) {
  const hpa::KubernetesVersion before{34};
  EXPECT_TRUE(parse_new_subject(written_hpa("autoscaling/v2", "0"), before)->refused());
  const auto taken =
      parse_new_subject(written_hpa("autoscaling/v2", "0", R"(,"status":{"currentReplicas":0})"), before);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_FALSE(taken->refused());
  EXPECT_EQ(taken->input.forecast.spec.min, 0);
  EXPECT_EQ(taken->input.forecast.platform.version, before);
}

}  // namespace
}  // namespace fluxmetrics::explain
