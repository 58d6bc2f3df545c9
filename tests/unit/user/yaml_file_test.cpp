#include "user/yaml_file.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::user {
namespace {

std::string refusal(const std::string& text) {
  const auto read = parse_expressions("mine.yaml", text);
  return read ? "" : read.error().message;
}

TEST(YamlFile, DeclaresMetrics) {
  const auto read = parse_expressions("mine.yaml", R"(
metrics:
  - name: job_held_count
    help: Jobs that somebody holds.
    unit: jobs
    labels: [queue]
    aggregation: max
    expression: |
      .jobs | length
  - name: job_seen_total
    type: counter
    help: Jobs.
    expression: .counts.total
)");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  const auto& first = read->front();
  EXPECT_EQ(first.metric.name, "job_held_count");
  EXPECT_EQ(first.metric.help, "Jobs that somebody holds.");
  EXPECT_EQ(first.metric.unit, "jobs");
  EXPECT_EQ(first.metric.labels, std::vector<std::string>{"queue"});
  EXPECT_EQ(first.metric.aggregation, metrics::Aggregation::max);
  EXPECT_EQ(first.metric.type, metrics::Type::gauge);
  EXPECT_EQ(first.metric.source, "mine.yaml line 3");
  EXPECT_EQ(first.text, ".jobs | length\n");
  EXPECT_EQ(read->back().metric.type, metrics::Type::counter);
  EXPECT_EQ(read->back().metric.aggregation, metrics::Aggregation::single);
}

TEST(YamlFile, LabelledMetricsAreSummedUnlessTheySay) {
  const auto read =
      parse_expressions("mine.yaml", "metrics: [{name: a, help: b, labels: [c], expression: '[]'}]");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->front().metric.aggregation, metrics::Aggregation::sum);
}

TEST(YamlFile, SaysWhatIsWrongAndWhere) {
  EXPECT_NE(refusal("metrics: [").find("mine.yaml line"), std::string::npos);
  EXPECT_NE(refusal("a: 1").find("one field, metrics"), std::string::npos);
  EXPECT_NE(refusal("metrics: []").find("one field, metrics"), std::string::npos);
  EXPECT_NE(refusal("").find("one field, metrics"), std::string::npos);
  EXPECT_EQ(refusal("metrics:\n  - 5\n"),
            "mine.yaml line 2: a metric is a map with name, help and expression");
  EXPECT_EQ(refusal("metrics:\n  - name: a\n    help: b\n"),
            "mine.yaml line 2: the metric has no expression");
  EXPECT_EQ(refusal("metrics:\n  - name: a\n    hepl: b\n"),
            "mine.yaml line 3: a metric has no hepl; it has name, help, unit, labels, type, aggregation, "
            "expression");
  EXPECT_EQ(refusal("metrics:\n  - name: [a]\n    help: b\n    expression: c\n"),
            "mine.yaml line 2: name is a list, not a text");
  EXPECT_EQ(refusal("metrics:\n  - {name: a, help: b, expression: c, type: info}\n"),
            "mine.yaml line 2: type is gauge or counter, not info");
  EXPECT_NE(refusal("metrics:\n  - {name: a, help: b, expression: c, labels: x}\n").find("must be a list"),
            std::string::npos);
  for (const auto* label : {"le", "quantile", "__name", "a-b", "1"}) {
    EXPECT_NE(refusal(fmt::format("metrics:\n  - {{name: a, help: b, expression: c, labels: [{}]}}\n", label))
                  .find("is not a valid label name"),
              std::string::npos)
        << label;
  }
  EXPECT_NE(
      refusal("metrics:\n  - {name: a, help: b, expression: c, labels: [x, x]}\n").find("appears twice"),
      std::string::npos);
}

TEST(YamlFile, ReadsEveryDocument) {
  const auto read =
      parse_expressions("mine.yaml",
                        "# mine\n---\nmetrics:\n- {name: a, help: b, expression: '1'}\n---\n# none\n"
                        "---\nmetrics:\n- {name: c, help: d, expression: 010}\n---\n");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->front().metric.source, "mine.yaml line 4");
  EXPECT_EQ(read->back().metric.source, "mine.yaml line 9");
  EXPECT_EQ(read->back().text, "010") << "a number is taken as it is written";
  const std::string good = "metrics: [{name: a, help: b, expression: '1'}]\n---\n";
  EXPECT_EQ(refusal(good + "other: 1\n"),
            "mine.yaml line 3: a document must be a map with one field, metrics, a list of metrics");
  EXPECT_EQ(refusal(good + "metrics:\n- {name: a, hepl: b}\n").substr(0, 36),
            "mine.yaml line 4: a metric has no he");
  EXPECT_EQ(refusal(good + "metrics: [\n").substr(0, 38), "mine.yaml line 4: this is not YAML: di");
}

TEST(YamlFile, ReadsYamlAsKubectlDoes) {
  const auto read = parse_expressions("mine.yaml",
                                      "\xef\xbb\xbfmetrics:\n- &first {name: a, help: b, labels: [queue], "
                                      "expression: '[]'}\n- {<<: *first, name: c}\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->back().metric.name, "c");
  EXPECT_EQ(read->back().metric.labels, std::vector<std::string>{"queue"});
  EXPECT_EQ(
      refusal("metrics:\n- name: y\n  help: b\n  expression: c\n"),
      "mine.yaml line 2: name is a boolean, not a text: YAML reads y as true; write \"y\", with quotes");
  EXPECT_EQ(refusal("metrics:\n- name: a\n  help: b\n  expression: c\n  labels: [queue, off]\n"),
            "mine.yaml line 5: a label is a boolean, not a text: YAML reads off as false; write \"off\", "
            "with quotes");
  EXPECT_EQ(refusal("metrics:\n- name: a\n  help:\n  expression: c\n"), "mine.yaml line 3: help is empty");
  EXPECT_EQ(refusal("metrics:\n- name: a\n  help: b\n  name: c\n  expression: c\n"),
            "mine.yaml line 4: name appears twice");
}

}  // namespace
}  // namespace fluxmetrics::user
