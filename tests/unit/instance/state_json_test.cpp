#include "instance/state_json.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "support/instance_builder.hpp"

namespace fluxmetrics::instance {
namespace {

using support::ids;

InstanceState six_ranks() {
  InstanceState state;
  state.size = 6;
  state.version = "0.88.0";
  state.queues.push_back({.name = "batch", .enabled = true, .started = false, .admits = {}});
  state.resources.entries.push_back({.ranks = ids("0-5"), .cores = ids("0-3"), .gpus = ids("0")});
  state.online = ids("0-4");
  state.offline = ids("5");
  state.excluded = ids("0");
  state.torpid = ids("4");
  state.drains.push_back({.ranks = ids("2-3"), .timestamp = 12, .reason = "fan"});
  state.allocated.entries.push_back({.ranks = ids("1,3"), .cores = ids("0-1"), .gpus = {}});
  return state;
}

TEST(StateJson, EachNodeIsInOneState) {
  const auto document = state_json(six_ranks(), from_unix(1700000000));
  const auto& nodes = document.at("nodes").as_array();
  ASSERT_EQ(nodes.size(), 6U);
  const char* const expected[] = {"excluded", "allocated", "drained", "draining", "torpid", "offline"};
  for (std::size_t rank = 0; rank < 6; ++rank)
    EXPECT_EQ(nodes[rank].at("state").as_string(), expected[rank]) << rank;
  EXPECT_EQ(nodes[3].at("cores_allocated"), boost::json::value(2U));
  EXPECT_EQ(nodes[3].at("drain").at("reason").as_string(), "fan");
  EXPECT_FALSE(nodes[3].at("drain").at("ours").as_bool());
  EXPECT_FALSE(nodes[1].as_object().contains("drain"));
  EXPECT_EQ(document.at("timestamp").as_string(), "2023-11-14T22:13:20Z");
  EXPECT_EQ(document.at("format").as_string(), "flux-metrics-api.state/1");
}

TEST(StateJson, JobIdsKeepEveryDigit) {
  auto state = six_ranks();
  Job job;
  job.id = 9007199254740993;  // 2^53 + 1
  job.state = flux::JobState::run;
  job.t_submit = 5;
  job.nnodes = 2;
  state.shapes.push_back(support::slots(3));
  state.jobs.push_back(job);
  const auto document = state_json(state, from_unix(1));
  const auto& shown = document.at("jobs").as_array().at(0).as_object();
  EXPECT_EQ(shown.at("id").as_string(), "9007199254740993");
  EXPECT_EQ(shown.at("state").as_string(), "run");
  EXPECT_EQ(shown.at("queue").as_string(), "batch");
  EXPECT_EQ(shown.at("nnodes"), boost::json::value(2U));
  EXPECT_FALSE(shown.contains("ncores")) << "what is not known is not there";
  EXPECT_FALSE(shown.contains("t_run"));
  const auto& shape = document.at("shapes").as_array().at(0).as_object();
  EXPECT_EQ(shape.at("slots"), boost::json::value(3U));
  EXPECT_FALSE(shape.contains("nodes"));
}

}  // namespace
}  // namespace fluxmetrics::instance
