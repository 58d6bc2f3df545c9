#include "api/selection.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::api {
namespace {

using metrics::Aggregation;

Result<double> select(Aggregation aggregation, const std::vector<double>& values, const char* selector = "") {
  const metrics::Description description{
      .name = "m", .unit = "u", .help = "h", .source = "s", .labels = {"queue"}, .aggregation = aggregation};
  metrics::Family family{.description = &description, .items = {}, .missing = {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    family.items.push_back({.labels = {{"queue", fmt::format("q{}", i)}}, .value = values[i]});
  }
  return select_value({}, family, kube::Selector::parse(selector).value());
}

TEST(Selection, AggregatesAsTheFamilySays) {
  EXPECT_EQ(select(Aggregation::sum, {1, 5, 2}), 8);
  EXPECT_EQ(select(Aggregation::max, {1, 5, 2}), 5);
  EXPECT_EQ(select(Aggregation::single, {5}), 5);
  EXPECT_EQ(select(Aggregation::sum, {1, 5, 2}, "queue in (q0,q2)"), 3);
  EXPECT_EQ(select(Aggregation::max, {1, 5, 2}, "queue!=q1"), 2);
  EXPECT_EQ(select(Aggregation::single, {1, 5}, "queue=q1"), 5);
}

TEST(Selection, SaysWhyThereIsNoValue) {
  EXPECT_EQ(select(Aggregation::sum, {}), 0);
  EXPECT_EQ(select(Aggregation::max, {}).error().code, Code::unavailable);
  EXPECT_EQ(select(Aggregation::single, {}).error().code, Code::unavailable);
  const auto several = select(Aggregation::single, {1, 2});
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, Code::not_found);
  EXPECT_EQ(several.error().message, "it has 2 values; choose one with metricLabelSelector (queue)");
  EXPECT_EQ(select(Aggregation::sum, {1}, "queue in (q0,q7)").error().message,
            "there is no queue 'q7'; there is 'q0'");
}

}  // namespace
}  // namespace fluxmetrics::api
