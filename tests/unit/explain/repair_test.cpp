// A repaired HPA, held against recordings of Kubernetes' own decoder and validation.
#include "explain/repair.hpp"

#include <gtest/gtest.h>

#include "base/yaml.hpp"
#include "hpa/validation.hpp"
#include "support/json_lines.hpp"

namespace fluxmetrics::explain {
namespace {

TEST(Repair, MakesWhatIsTakenOrNothing) {
  int refused = 0;
  int repaired = 0;
  for (const auto* name : {"hpa-manifests/recorded.jsonl", "hpa-manifests/cases.jsonl"}) {
    for (const auto& one : json_lines(name)) {
      const auto documents = read_yaml(one.at("text").get_string());
      const auto& document = documents->at(0).value.get_object();
      const bool taken = hpa::validate_hpa(document).empty();
      const auto made = repair_hpa(document);
      if (made) {
        EXPECT_TRUE(hpa::validate_hpa(made->document).empty()) << one.at("name");
        EXPECT_EQ(made->changes.empty(), taken) << one.at("name");
      }
      refused += taken ? 0 : 1;
      repaired += made && !taken ? 1 : 0;
    }
  }
  EXPECT_GT(repaired, 50) << "of " << refused;
}

}  // namespace
}  // namespace fluxmetrics::explain
