#include "base/yaml.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace fluxmetrics {
namespace {

TEST(ParseYaml, ReadsScalarsAsTheCoreSchemaDoes) {
  const auto documents = parse_yaml(
      "a: 1\nb: 1.5\nc: \"1\"\nd: true\ne: ~\nf: text\ng: [x, {y: -2}]\nh: 2.x\n---\n{\"k\": null}\n");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ((*documents)[0],
            boost::json::parse(
                R"({"a":1,"b":1.5,"c":"1","d":true,"e":null,"f":"text","g":["x",{"y":-2}],"h":"2.x"})"));
  EXPECT_EQ((*documents)[1], boost::json::parse(R"({"k":null})"));
}

TEST(ParseYaml, RefusesWhatIsNoneOrTooMuch) {
  const auto broken = parse_yaml("a: [1, 2\nb: {");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("line"), std::string::npos) << broken.error().message;
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k)
      bomb += "," + before;
    bomb += "]\n";
  }
  EXPECT_FALSE(parse_yaml(bomb));
  for (const auto* const endless : {"a: &a [*a]\n", "a: &a {b: [1, *a]}\n"}) {
    const auto read = parse_yaml(endless);
    ASSERT_FALSE(read) << endless;
    EXPECT_EQ(read.error().message, "the YAML has more than 100 levels");
  }
}

}  // namespace
}  // namespace fluxmetrics
