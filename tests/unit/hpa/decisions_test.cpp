// The HPA of deploy/hpa.yaml: the size is the metric.
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

#include <boost/json.hpp>

#include "base/yaml.hpp"
#include "hpa/controller.hpp"
#include "hpa/spec_json.hpp"

namespace fluxmetrics::hpa {
namespace {

std::int32_t decide(const HpaSpec& spec, std::int32_t size, std::int64_t metric_milli) {
  HpaObservation seen{.spec_replicas = size, .status_replicas = size, .selector = "a=b"};
  seen.object["node_wanted_count"] = metric_milli;
  return HpaController().sync(spec, seen, 0).replicas;
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(std::string(TEST_DATA "/../../") + path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// `demo` and `plan` run what deploy/ gives to a cluster and what the documentation shows.
TEST(FollowWantedSize, IsTheHpaOfDeployAndOfTheDocumentation) {
  const auto deployed = read_yaml(text_of_file("deploy/hpa.yaml"));
  ASSERT_TRUE(deployed) << deployed.error().message;
  ASSERT_EQ(deployed->size(), 1U);
  const auto spec = parse_hpa_spec(deployed->front().value.as_object().at("spec"), "spec");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(*spec, follow_wanted_size(1, 64));

  constexpr std::string_view fence = "```yaml\n";
  const auto page = text_of_file("docs/sizing.md");
  const auto begin = page.find(fence) + fence.size();
  const auto shown = read_yaml(page.substr(begin, page.find("```", begin) - begin));
  ASSERT_TRUE(shown) << shown.error().message;
  ASSERT_EQ(shown->size(), 1U);
  EXPECT_EQ(shown->front().value, deployed->front().value);
}

TEST(FollowWantedSize, LandsExactlyOnAMetricThatIsTheWantedSize) {
  const auto spec = follow_wanted_size(1, 64);
  for (std::int32_t size = 1; size <= 64; ++size) {
    for (std::int32_t wanted = 0; wanted <= 70; ++wanted) {
      EXPECT_EQ(decide(spec, size, std::int64_t{wanted} * 1000), std::clamp(wanted, 1, 64)) << size;
    }
  }
}

TEST(FollowWantedSize, DefaultToleranceSwallowsOneNodeInTen) {
  auto spec = follow_wanted_size(1, 64);
  EXPECT_EQ(decide(spec, 10, 11000), 11);
  spec.behavior->up.tolerance.reset();
  EXPECT_EQ(decide(spec, 10, 11000), 10) << "10 -> 11 is ignored";
  EXPECT_EQ(decide(spec, 10, 12000), 12);
}

TEST(FollowWantedSize, RoundsUp) {
  const auto spec = follow_wanted_size(1, 64);
  EXPECT_EQ(decide(spec, 2, 3001), 4);
  EXPECT_EQ(decide(spec, 2, 1), 1);
}

TEST(FollowWantedSize, WaitsBeforeItShrinksWhereItIsToldTo) {
  EXPECT_EQ(decide(follow_wanted_size(1, 64, 300), 8, 2000), 8);
  EXPECT_EQ(decide(follow_wanted_size(1, 64, 0), 8, 2000), 2);
}

}  // namespace
}  // namespace fluxmetrics::hpa
