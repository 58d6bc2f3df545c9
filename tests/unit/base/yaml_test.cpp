#include "base/yaml.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace fluxmetrics {
namespace {

std::string yaml(std::string_view text) {
  return to_yaml(boost::json::parse(text));
}

TEST(Yaml, ScalarsAreJsons) {
  EXPECT_EQ(yaml("3"), "3\n");
  EXPECT_EQ(yaml("null"), "null\n");
  EXPECT_EQ(yaml(R"("yes")"), "\"yes\"\n") << "quoted, or it would be a boolean to some";
  EXPECT_EQ(yaml("{}"), "{}\n");
  EXPECT_EQ(yaml("[]"), "[]\n");
}

TEST(Yaml, NestsInBlockStyle) {
  EXPECT_EQ(yaml(R"({"a":1,"b":{"c":[],"d":"x: y"},"e":[1,{"f":2,"g":[3,[4]]}]})"), R"("a": 1
"b":
  "c": []
  "d": "x: y"
"e":
  - 1
  - "f": 2
    "g":
      - 3
      -
        - 4
)");
}

TEST(Yaml, EmptyThingsInsideLists) {
  EXPECT_EQ(yaml(R"([[],{},null,[{}]])"), "- []\n- {}\n- null\n-\n  - {}\n");
}

TEST(Yaml, Escapes) {
  EXPECT_EQ(yaml(R"({"a\"b":"line\nline"})"), "\"a\\\"b\": \"line\\nline\"\n");
}

}  // namespace
}  // namespace fluxmetrics
