#include "metrics/record.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace fluxmetrics::metrics {
namespace {

namespace json = boost::json;

const Description plain{.name = "node_up_count", .unit = "nodes", .help = "", .source = "", .labels = {}};
const Description labelled{
    .name = "job_count", .unit = "jobs", .help = "", .source = "", .labels = {"queue"}};
const Description absent{.name = "gpu_demand_count", .unit = "gpus", .help = "", .source = "", .labels = {}};

Snapshot snapshot(double up) {
  std::vector<Family> families(3);
  families[0].description = &absent;
  families[0].missing = Error{.code = Code::unavailable, .message = "not told"};
  families[1].description = &labelled;
  families[1].items = {{.labels = {{"queue", "a"}}, .value = 1}, {.labels = {{"queue", "b"}}, .value = 0.5}};
  families[2].description = &plain;
  families[2].items = {{.labels = {}, .value = up}};
  auto state = std::make_shared<instance::InstanceState>();
  state->size = 4;
  Snapshot made;
  made.state = std::move(state);
  made.families = std::make_shared<const std::vector<Family>>(std::move(families));
  made.confirmed.wall = from_unix(1700000000.25);
  return made;
}

bool all(const Family& /*family*/) {
  return true;
}

TEST(Record, IsOneLineThatAProgramCanRead) {
  const auto text = to_record(snapshot(2), all);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto line = json::parse(text);
  EXPECT_EQ(line.at("format").as_string(), "flux-metrics-api.record/1");
  EXPECT_DOUBLE_EQ(line.at("time").as_double(), 1700000000.25);
  EXPECT_EQ(line.at("instance").at("size"), json::value(4U));
  EXPECT_EQ(line.at("metrics").at("node_up_count"), json::value(2)) << "a count is an integer";
  EXPECT_TRUE(line.at("metrics").at("gpu_demand_count").is_null()) << "no value is not zero";
  const auto& items = line.at("metrics").at("job_count").as_array();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[1].at("labels").at("queue").as_string(), "b");
  EXPECT_DOUBLE_EQ(items[1].at("value").as_double(), 0.5);
}

TEST(Record, HoldsTheChosenMetricsOnly) {
  const auto line = json::parse(
      to_record(snapshot(2), [](const Family& family) { return family.description->name == "job_count"; }));
  EXPECT_EQ(line.at("metrics").as_object().size(), 1U);
}

TEST(Record, TimeAloneIsNoOtherValue) {
  auto later = snapshot(2);
  later.confirmed.wall += std::chrono::seconds(5);
  EXPECT_EQ(values_text(snapshot(2), all), values_text(later, all));
  EXPECT_NE(values_text(snapshot(2), all), values_text(snapshot(3), all));
}

TEST(Document, TellsWhyAValueIsMissing) {
  const auto document = to_document(snapshot(2), all);
  EXPECT_EQ(document.at("metrics").as_array()[0].at("missing").as_string(), "not told");
  EXPECT_EQ(document.at("metrics").as_array()[1].at("items").as_array().size(), 2U);
  EXPECT_EQ(document.at("timestamp").as_string(), "2023-11-14T22:13:20Z");
}

}  // namespace
}  // namespace fluxmetrics::metrics
