#include "kube/selector.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <regex>

#include "kube/json.hpp"

namespace fluxmetrics::kube {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// A line of what Go's labels package made of a selector (captured).
struct Row {
  std::string text;
  std::string error;
  std::string canonical;
  bool matches_value = false;    // {a: b}
  bool matches_nothing = false;  // {}
  bool matches_empty = false;    // {a: ""}
};

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      out += text[i] == 't' ? '\t' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<Row> rows_of_go() {
  static const std::regex good(
      R"re(^"(.*?)" +-> "(.*)" match\{a:b\}=(\w+) match\{\}=(\w+) match\{a:''\}=(\w+)$)re");
  static const std::regex bad(R"re(^"(.*?)" +ERR (.*)$)re");
  std::ifstream in(std::string(TEST_DATA) + "/k8s-captures/quantity.txt");
  std::vector<Row> rows;
  bool here = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("-- ")) {
      here = line == "-- selectors";
    } else if (std::smatch match; here && std::regex_match(line, match, bad)) {
      rows.push_back({.text = unescaped(match[1]), .error = match[2], .canonical = ""});
    } else if (here && std::regex_match(line, match, good)) {
      rows.push_back({.text = unescaped(match[1]),
                      .error = "",
                      .canonical = match[2],
                      .matches_value = match[3] == "true",
                      .matches_nothing = match[4] == "true",
                      .matches_empty = match[5] == "true"});
    } else if (here) {
      ADD_FAILURE() << "unknown line " << line;
    }
  }
  return rows;
}

class GoSelector : public testing::TestWithParam<Row> {};

TEST_P(GoSelector, IsReadTheSameWay) {
  const auto& row = GetParam();
  const auto selector = Selector::parse(row.text);
  if (!row.error.empty()) {
    ASSERT_FALSE(selector) << row.text;
    EXPECT_EQ(selector.error().message, row.error);
    EXPECT_EQ(selector.error().code, Code::invalid);
    return;
  }
  ASSERT_TRUE(selector) << row.text << ": " << selector.error().message;
  EXPECT_EQ(selector->to_string(), row.canonical);
  EXPECT_EQ(selector->matches({{"a", "b"}}), row.matches_value);
  EXPECT_EQ(selector->matches({}), row.matches_nothing);
  EXPECT_EQ(selector->matches({{"a", ""}}), row.matches_empty);
}

INSTANTIATE_TEST_SUITE_P(Table, GoSelector, testing::ValuesIn(rows_of_go()));

TEST(Selector, TheTableIsThere) {
  EXPECT_GT(rows_of_go().size(), 50U);
}

TEST(Selector, ComparesIntegers) {
  const auto above = Selector::parse("a>-5").error().message;
  EXPECT_TRUE(above.contains("a valid label must be")) << "a sign is no label value: " << above;
  EXPECT_TRUE(Selector::parse("a>5")->matches({{"a", "6"}}));
  EXPECT_FALSE(Selector::parse("a>5")->matches({{"a", "5"}}));
  EXPECT_TRUE(Selector::parse("a<5")->matches({{"a", "-6"}}));
  EXPECT_FALSE(Selector::parse("a<5")->matches({{"a", "x"}}));
}

TEST(Selector, ReportsSeveralFaultsAtOnce) {
  const auto message = Selector::parse("a in (-x,y-)").error().message;
  EXPECT_TRUE(message.starts_with("unable to parse requirement: [values[0][a]: Invalid value: \"-x\": "))
      << message;
  EXPECT_TRUE(message.contains(", values[1][a]: Invalid value: \"y-\": ")) << message;
}

std::string echoed(const char* text) {
  return go_json(*Selector::parse(text)->to_label_selector());
}

TEST(Selector, IsEchoedAsALabelSelector) {
  EXPECT_EQ(echoed(""), "null");
  EXPECT_EQ(echoed("color=red"), R"({"matchLabels":{"color":"red"}})");
  EXPECT_EQ(echoed("color in (red,blue),!x"),
            R"({"matchExpressions":[{"key":"color","operator":"In","values":["blue","red"]},)"
            R"({"key":"x","operator":"DoesNotExist"}]})");
  EXPECT_EQ(
      echoed("c!=1,b,a==2,d notin (x)"),
      R"({"matchLabels":{"a":"2"},"matchExpressions":[{"key":"b","operator":"Exists"},)"
      R"({"key":"c","operator":"NotIn","values":["1"]},{"key":"d","operator":"NotIn","values":["x"]}]})");
  const auto ordered = Selector::parse("a>1")->to_label_selector();
  ASSERT_FALSE(ordered);
  EXPECT_EQ(ordered.error().code, Code::invalid);
}

}  // namespace
}  // namespace fluxmetrics::kube
