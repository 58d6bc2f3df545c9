// Recorded decisions with something wrong in them: a sentence that names the line, never a crash. And the
// usage of pods, all of them ready: more of it is never fewer replicas.
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

#include <boost/json.hpp>

#include "hpa/controller.hpp"
#include "hpa/vectors.hpp"

namespace fluxmetrics::hpa {
namespace {

namespace json = boost::json;

class Die {
 public:
  explicit Die(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_);
  }

 private:
  std::mt19937_64 engine_;
};

std::vector<std::string> recorded() {
  std::ifstream file(TEST_DATA "/hpa/edge.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  return lines;
}

json::value anything(Die& die) {
  const std::vector<json::value> values{nullptr,
                                        true,
                                        0,
                                        -1,
                                        1.5,
                                        1e300,
                                        INT64_MAX,
                                        INT64_MIN,
                                        UINT64_MAX,
                                        INT32_MAX,
                                        "",
                                        "1k",
                                        "99999999999999999999",
                                        "-0.0000000001",
                                        "\x01\xff",
                                        json::array{},
                                        json::array{nullptr},
                                        json::object{},
                                        json::object{{"", 1}}};
  return values.at(die.below(values.size()));
}

// Puts something else in one place of the document, or takes the place away.
void spoil(Die& die, json::value& value) {
  if (auto* object = value.if_object(); object != nullptr && !object->empty() && die.below(6) != 0) {
    auto* member = object->begin();
    std::advance(member, static_cast<std::ptrdiff_t>(die.below(object->size())));
    if (die.below(8) == 0) {
      object->erase(member);
    } else {
      spoil(die, member->value());
    }
  } else if (auto* list = value.if_array(); list != nullptr && !list->empty() && die.below(6) != 0) {
    spoil(die, list->at(die.below(list->size())));
  } else {
    value = anything(die);
  }
}

// Whether it was played, not refused.
bool play(const std::string& text) {
  std::istringstream lines(text);
  const auto report = compare_vectors(lines);
  if (!report) {
    EXPECT_EQ(report.error().code, Code::invalid);
    EXPECT_NE(report.error().message.find("line 1"), std::string::npos) << report.error().message;
  }
  return report.has_value();
}

TEST(FuzzShapes, SpoiledRecordingsAreRefusedOrPlayed) {
  const auto lines = recorded();
  ASSERT_FALSE(lines.empty());
  int played = 0;
  constexpr int runs = 600;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Die die(seed);
    auto document = json::parse(lines.at(die.below(lines.size())));
    for (auto times = 1 + die.below(3); times > 0; --times)
      spoil(die, document);
    if (play(json::serialize(document))) ++played;
    if (HasFailure()) return;
  }
  EXPECT_GT(played, runs / 10) << "values that are as good as those before";
  EXPECT_LT(played, runs * 9 / 10);
}

TEST(FuzzShapes, BrokenBytesAreRefusedOrPlayed) {
  const auto lines = recorded();
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Die die(seed);
    auto text = lines.at(die.below(lines.size()));
    for (auto times = 1 + die.below(4); times > 0; --times) {
      auto& byte = text.at(die.below(text.size()));
      const auto other = static_cast<char>(die.below(256));
      byte = other == '\n' ? ' ' : other;
    }
    if (die.below(4) == 0) text.resize(die.below(text.size()));
    if (text.find_first_not_of(" \t\r") != std::string::npos) (void)play(text);
    if (HasFailure()) return;
  }
}

TEST(FuzzShapes, MoreUsageOfReadyPodsIsNeverFewerReplicas) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Die die(seed);
    const bool resource = die.below(2) == 0;
    HpaMetric metric{.source = resource ? MetricSource::resource : MetricSource::pods,
                     .name = resource ? "cpu" : "m"};
    metric.target.type = resource ? "Utilization" : "AverageValue";
    if (resource) {
      metric.target.average_utilization = static_cast<std::int32_t>(1 + die.below(150));
    } else {
      metric.target.average_value = static_cast<std::int64_t>(1 + die.below(5000));
    }
    const HpaSpec spec{.min = 1, .max = 50, .metrics = {metric}};
    const auto count = static_cast<std::int32_t>(1 + die.below(12));
    constexpr std::int64_t now = 10'000'000;
    std::int32_t last = 0;
    for (std::int64_t usage = 0; usage <= 20'000; usage += static_cast<std::int64_t>(1 + die.below(700))) {
      HpaObservation seen{.spec_replicas = count, .status_replicas = count, .selector = "app=x"};
      seen.pods_listed = seen.pods_ready = count;
      auto& pods = seen.pods.emplace();
      auto& usages = seen.resource.emplace();
      for (std::int32_t i = 0; i < count; ++i) {
        const auto name = "p" + std::to_string(i);
        pods.push_back(
            {.name = name, .ready_since_ms = 1000, .start_ms = 0, .requests = {{"main", {{"cpu", 1000}}}}});
        usages[name]["main"] = {{"cpu", usage}};
        seen.pod_metrics["m"][name] = usage;
      }
      seen.resource_time_ms = now;
      seen.resource_window_ms = 30'000;
      HpaController controller;
      const auto decision = controller.sync(spec, seen, now);
      ASSERT_EQ(decision.path, HpaPath::computed) << "seed " << seed << ": " << decision.error;
      EXPECT_GE(decision.replicas, last) << "seed " << seed << " usage " << usage;
      EXPECT_LE(decision.replicas, spec.max);
      last = decision.replicas;
      if (HasFailure()) return;
    }
    EXPECT_GT(last, count) << "seed " << seed << ": the highest usage is far above every target";
  }
}

}  // namespace
}  // namespace fluxmetrics::hpa
