// What an API server refuses, held against recordings of Kubernetes' own decoder and validation.
#include "hpa/validation.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/yaml.hpp"
#include "support/json_lines.hpp"

namespace fluxmetrics::hpa {
namespace {

namespace json = boost::json;

std::vector<std::string> texts(const HpaRefusal& refusal) {
  std::vector<std::string> list;
  // Kubernetes ends with the first value that it cannot decode.
  if (!refusal.types.empty()) return {refusal.types[0].error.reason};
  for (const auto& field : refusal.unknown)
    list.push_back(fmt::format("unknown field \"{}\"", field.where));
  for (const auto& error : refusal.invalid)
    list.push_back(error.text());
  return list;
}

void hold(const json::object& recorded) {
  const std::string name(recorded.at("name").get_string());
  std::vector<std::string> expected;
  for (const auto& error : recorded.at("errors").get_array()) {
    const std::string text(error.get_string());
    // A key that stands twice is the reader's matter.
    if (text.starts_with("yaml: ")) return;
    // Of several unknown fields Kubernetes makes one error.
    std::size_t from = 0;
    for (auto next = text.find(", unknown field"); text.starts_with("unknown field");
         next = text.find(", unknown field", from)) {
      expected.push_back(text.substr(from, next == std::string::npos ? next : next - from));
      if (next == std::string::npos) break;
      from = next + 2;
    }
    if (!text.starts_with("unknown field")) expected.push_back(text);
  }
  const auto documents = read_yaml(recorded.at("text").get_string());
  ASSERT_TRUE(documents) << name << ": " << documents.error().message;
  auto found = texts(validate_hpa(documents->at(0).value.get_object()));
  std::ranges::sort(expected);
  std::ranges::sort(found);
  EXPECT_EQ(found, expected) << name << "\n" << recorded.at("text").get_string();
}

TEST(Validation, SaysWhatKubernetesSaysOfManifests) {
  const auto recorded = json_lines("hpa-manifests/recorded.jsonl");
  ASSERT_GT(recorded.size(), 200U);
  for (const auto& one : recorded)
    hold(one);
  for (const auto& one : json_lines("hpa-manifests/cases.jsonl"))
    hold(one);
}

}  // namespace
}  // namespace fluxmetrics::hpa
