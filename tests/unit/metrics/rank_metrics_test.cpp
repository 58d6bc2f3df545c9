#include "metrics/rank_metrics.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "metrics/catalogue.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

using support::InstanceBuilder;

Snapshot snapshot_of(const instance::InstanceState& state) {
  Snapshot snapshot;
  snapshot.state = std::make_shared<const instance::InstanceState>(state);
  return snapshot;
}

// The values of ranks 0 to 4, "-" where there is none.
std::vector<std::string> values(const std::string& metric, const instance::InstanceState& state) {
  const std::vector<flux::IdSet::Id> ranks{0, 1, 2, 3, 4};
  const auto found = rank_values(*find_rank_description(metric), snapshot_of(state), ranks);
  if (!found) return {found.error().message};
  std::vector<std::string> texts;
  for (const auto& value : *found)
    texts.push_back(value ? fmt::format("{}", *value) : "-");
  return texts;
}

using Texts = std::vector<std::string>;

TEST(RankMetrics, AreWhatARankHolds) {
  // 8 cores and 2 gpus each; rank 3 is lost with a job on it, rank 2 is drained while busy, there is no
  // rank 4.
  const instance::InstanceState state =
      InstanceBuilder(4).online("0-2").drain("2").use("0", "0-1").use("2", "0-7", "0-1").use("3", "5");
  EXPECT_EQ(values("node_cores_allocated_count", state), (Texts{"2", "0", "8", "1", "-"}));
  EXPECT_EQ(values("node_gpus_allocated_count", state), (Texts{"0", "0", "2", "0", "-"}));
  EXPECT_EQ(values("core_utilization_ratio", state), (Texts{"0.25", "0", "-", "-", "-"}));
}

TEST(RankMetrics, ExpandNoRanges) {
  instance::InstanceState state = InstanceBuilder(4).online("0-3");
  state.resources.entries = {
      {.ranks = support::ids("2,4-4294967294"), .cores = support::ids("0"), .gpus = {}},
      {.ranks = support::ids("0-1"), .cores = support::ids("0-1"), .gpus = {}}};
  state.allocated.entries = {{.ranks = support::ids("1-4294967294"), .cores = support::ids("0"), .gpus = {}}};
  EXPECT_EQ(values("node_cores_allocated_count", state), (Texts{"0", "1", "1", "-", "1"}));
  EXPECT_EQ(values("core_utilization_ratio", state), (Texts{"0", "0.5", "1", "-", "1"}));
}

TEST(RankMetrics, AreUnknownWhereAllocationsAre) {
  instance::InstanceState state = InstanceBuilder(4).online("0-3");
  state.allocated_unknown = "nobody knows";
  EXPECT_EQ(values("node_cores_allocated_count", state), (Texts{"nobody knows"}));
}

TEST(RankMetrics, AreNamesOfTheCatalogueSorted) {
  EXPECT_TRUE(std::ranges::is_sorted(rank_catalogue(), {}, &Description::name));
  EXPECT_EQ(find_rank_description("node_up_count"), nullptr);
  EXPECT_EQ(find_rank_description(""), nullptr);
  for (const auto& description : rank_catalogue()) {
    EXPECT_EQ(find_rank_description(description.name), &description);
    EXPECT_NE(built_in()->find(description.name), nullptr) << description.name;
  }
}

}  // namespace
}  // namespace fluxmetrics::metrics
