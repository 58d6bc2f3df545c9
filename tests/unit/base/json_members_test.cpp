#include "base/json_members.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace fluxmetrics {
namespace {

TEST(JsonMembers, ReadWhatIsThere) {
  const auto document =
      boost::json::parse(R"({"a":{"b":{"text":"x","list":[1],"none":null}},"n":2,"yes":true,"h":0.5})");
  const auto* root = document.if_object();
  const auto* inner = object_at(object_at(root, "a"), "b");
  EXPECT_EQ(text_at(inner, "text"), "x");
  ASSERT_NE(array_at(inner, "list"), nullptr);
  EXPECT_EQ(array_at(inner, "list")->size(), 1U);
  EXPECT_EQ(number_at(root, "n"), 2);
  EXPECT_EQ(number_at(root, "h"), 0.5);
  EXPECT_EQ(flag_at(root, "yes"), true);
  ASSERT_NE(value_at(inner, "none"), nullptr) << "null is a value";
  EXPECT_TRUE(value_at(inner, "none")->is_null());
}

TEST(JsonMembers, ReadNothingOfAnotherKind) {
  const auto document = boost::json::parse(R"({"text":"x","number":1,"list":[]})");
  const auto* root = document.if_object();
  EXPECT_EQ(text_at(root, "number"), std::nullopt);
  EXPECT_EQ(number_at(root, "text"), std::nullopt);
  EXPECT_EQ(flag_at(root, "number"), std::nullopt);
  EXPECT_EQ(object_at(root, "list"), nullptr);
  EXPECT_EQ(array_at(root, "text"), nullptr);
  EXPECT_EQ(value_at(root, "absent"), nullptr);
}

TEST(JsonMembers, ReadNothingOfWhatIsNotThere) {
  const boost::json::object* const none = nullptr;
  EXPECT_EQ(value_at(none, "a"), nullptr);
  EXPECT_EQ(object_at(object_at(none, "a"), "b"), nullptr);
  EXPECT_EQ(array_at(none, "a"), nullptr);
  EXPECT_EQ(text_at(none, "a"), std::nullopt);
  EXPECT_EQ(number_at(none, "a"), std::nullopt);
}

}  // namespace
}  // namespace fluxmetrics
