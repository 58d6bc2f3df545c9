// What an API server refuses, held against recordings of Kubernetes' own decoder and validation.
#include "scaling/hpa_validation.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/yaml.hpp"
#include "scaling/hpa_repair.hpp"

namespace fluxmetrics::scaling {
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

std::vector<json::object> cases(const std::string& name) {
  std::vector<json::object> list;
  std::ifstream file(std::string(TEST_DATA) + "/" + name);
  std::string line;
  while (std::getline(file, line))
    list.push_back(json::parse(line).get_object());
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
  const auto recorded = cases("hpa-manifests/recorded.jsonl");
  ASSERT_GT(recorded.size(), 200U);
  for (const auto& one : recorded)
    hold(one);
  for (const auto& one : cases("hpa-manifests/cases.jsonl"))
    hold(one);
}

TEST(Repair, MakesWhatIsTakenOrNothing) {
  int refused = 0;
  int repaired = 0;
  for (const auto* name : {"hpa-manifests/recorded.jsonl", "hpa-manifests/cases.jsonl"}) {
    for (const auto& one : cases(name)) {
      const auto documents = read_yaml(one.at("text").get_string());
      const auto& document = documents->at(0).value.get_object();
      const bool taken = validate_hpa(document).empty();
      const auto made = repair_hpa(document);
      if (made) {
        EXPECT_TRUE(validate_hpa(made->document).empty()) << one.at("name");
        EXPECT_EQ(made->changes.empty(), taken) << one.at("name");
      }
      refused += taken ? 0 : 1;
      repaired += made && !taken ? 1 : 0;
    }
  }
  EXPECT_GT(repaired, 50) << "of " << refused;
}

}  // namespace
}  // namespace fluxmetrics::scaling
