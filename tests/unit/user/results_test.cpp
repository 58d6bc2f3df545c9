#include "user/results.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace fluxmetrics::user {
namespace {

const metrics::UserMetric plain{.name = "plain"};
const metrics::UserMetric labelled{.name = "labelled", .labels = {"queue", "rank"}};

Result<std::vector<metrics::Item>> of(const metrics::UserMetric& metric, const char* results) {
  return items_of(metric, boost::json::parse(results).as_array());
}

std::string trouble(const metrics::UserMetric& metric, const char* results) {
  const auto items = of(metric, results);
  if (items) return "";
  EXPECT_EQ(items.error().code, Code::unavailable);
  return items.error().message;
}

TEST(Results, OneNumber) {
  const auto items = of(plain, "[2.5]");
  ASSERT_TRUE(items);
  EXPECT_EQ(*items, (std::vector<metrics::Item>{{.labels = {}, .value = 2.5}}));
  EXPECT_EQ(of(plain, "[0]")->front().value, 0);
}

TEST(Results, NothingIsNoValue) {
  for (const auto& metric : {plain, labelled})
    for (const auto* nothing : {"[]", "[null]"})
      EXPECT_NE(trouble(metric, nothing).find("no value now"), std::string::npos);
  EXPECT_NE(trouble(labelled, "[[]]").find("no value now"), std::string::npos);
  EXPECT_NE(trouble(labelled, R"([{"labels":{"queue":"a","rank":"0"},"value":null}])").find("no value now"),
            std::string::npos);
}

TEST(Results, WhatIsNoFiniteNumber) {
  for (const auto* wrong : {R"(["5"])", "[true]", "[[1]]", "[{}]", "[1.7976931348623157e308]"})
    EXPECT_NE(trouble(plain, wrong).find("a finite number"), std::string::npos) << wrong;
  EXPECT_NE(trouble(plain, "[1,2]").find("2 results"), std::string::npos);
}

TEST(Results, ItemsAloneAndInArrays) {
  const auto* item = R"({"labels":{"rank":3,"queue":"batch"},"value":7})";
  for (const auto& results : {fmt::format("[{}]", item), fmt::format("[[{}]]", item)}) {
    const auto items = of(labelled, results.c_str());
    ASSERT_TRUE(items) << items.error().message;
    EXPECT_EQ(*items,
              (std::vector<metrics::Item>{{.labels = {{"queue", "batch"}, {"rank", "3"}}, .value = 7}}));
  }
}

TEST(Results, ItemsThatDoNotFit) {
  EXPECT_NE(trouble(labelled, "[5]").find("it must return objects like"), std::string::npos);
  EXPECT_NE(trouble(labelled, R"([{"labels":{"queue":"a"},"value":1}])").find("no string as its label rank"),
            std::string::npos);
  EXPECT_NE(trouble(labelled, R"([{"value":1}])").find("no string as its label queue"), std::string::npos);
  EXPECT_NE(
      trouble(labelled, R"([{"labels":{"queue":"a","rank":1,"x":1},"value":1}])").find("labels other than"),
      std::string::npos);
  EXPECT_NE(trouble(labelled, R"([{"labels":{"queue":"a","rank":1},"value":"1"}])").find("a finite number"),
            std::string::npos);
  EXPECT_NE(trouble(labelled, R"([{"labels":{"queue":"a","rank":1},"value":1},
                                   {"labels":{"queue":"a","rank":"1"},"value":2}])")
                .find("the same labels: queue=a,rank=1"),
            std::string::npos);
}

}  // namespace
}  // namespace fluxmetrics::user
