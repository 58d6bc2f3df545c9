#include "base/yaml.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace fluxmetrics {
namespace {

namespace json = boost::json;

std::string from_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = (bits << 6U) | static_cast<unsigned>(alphabet.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 0xffU);
  }
  return out;
}

// Whole numbers beyond 64 bits with a sign are doubles for Kubernetes.
bool same(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number())
    return a.is_int64() && b.is_int64() ? a.get_int64() == b.get_int64()
                                        : a.to_number<double>() == b.to_number<double>();
  if (a.is_array() && b.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), same);
  if (a.is_object() && b.is_object()) {
    return a.get_object().size() == b.get_object().size() &&
           std::ranges::all_of(a.get_object(), [&](const auto& member) {
             const auto* other = b.get_object().if_contains(member.key());
             return other != nullptr && same(member.value(), *other);
           });
  }
  return a == b;
}

struct Recording {
  std::string name;
  std::string input;
  json::object as_recorded;
};

std::vector<Recording> recordings() {
  std::ifstream file(TEST_DATA "/yaml/decodings.jsonl");
  std::vector<Recording> all;
  for (std::string line; std::getline(file, line);) {
    json::parse_options options;
    options.max_depth = 200;
    auto record = json::parse(line, {}, options).get_object();
    const auto* text = record.if_contains("input");
    auto input = text != nullptr ? std::string(text->get_string())
                                 : from_base64(std::string_view(record.at("input_base64").get_string()));
    all.push_back({std::string(record.at("name").get_string()), std::move(input), std::move(record)});
  }
  return all;
}

template <std::size_t Size>
bool among(const std::array<std::string_view, Size>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// What kubectl drops without a word, what it reads wrongly, and what only an old encoding or libyaml keeps
// from us.
constexpr std::array<std::string_view, 12> refused_here{"text behind end mark",
                                                        "broken behind end mark",
                                                        R"(text '  a: 1\nb: 2\n')",
                                                        R"(text 'a: 1\n... b\n')",
                                                        R"(text 'a: 1\n%YAML 1.1\n---\nb: 1\n')",
                                                        R"(text '{a: 1}\n{b: 2}\n')",
                                                        R"(more '[!!str, b]')",
                                                        R"(more '{a:}')",
                                                        R"(more '[a:]')",
                                                        "bad utf-8 in JSON",
                                                        "utf-16",
                                                        "utf-16 big"};
// And the other way round: how many bytes are left decides whether kubectl sees the text.
constexpr std::array<std::string_view, 1> read_here{"JSON then text"};

TEST(ReadYaml, DecodesFilesAsKubectlDoes) {
  const auto all = recordings();
  ASSERT_GT(all.size(), 500U);
  for (const auto& [name, input, recorded] : all) {
    const auto read = read_yaml(input);
    if (among(read_here, name)) continue;
    if (recorded.contains("error") || among(refused_here, name)) {
      EXPECT_FALSE(read) << name << ": " << input;
      EXPECT_TRUE(read || read.error().message.starts_with("line ")) << name << ": " << read.error().message;
      continue;
    }
    EXPECT_TRUE(read) << name << ": " << input << ": " << read.error().message;
    if (!read) continue;
    json::array values;
    for (const auto& document : *read)
      values.push_back(document.value);
    EXPECT_TRUE(same(values, recorded.at("documents"))) << name << ": " << input << "\n"
                                                        << values << "\n"
                                                        << recorded.at("documents");
  }
}

TEST(ReadYaml, DecodesAKubeconfigAsClientGoDoes) {
  for (const auto& [name, input, recorded] : recordings()) {
    if (among(refused_here, name)) continue;
    const auto read = read_yaml_document(input);
    if (recorded.contains("first_error")) {
      EXPECT_FALSE(read) << name << ": " << input;
      continue;
    }
    EXPECT_TRUE(read) << name << ": " << input << ": " << read.error().message;
    if (!read) continue;
    EXPECT_TRUE(same(read->value, recorded.at("first"))) << name << ": " << input << "\n" << read->value;
  }
}

std::string refusal(std::string_view text) {
  const auto read = read_yaml(text);
  return read ? "" : read.error().message;
}

TEST(ReadYaml, SaysWhereEverythingStands) {
  const auto read = read_yaml("# first\na: 1\n---\n\nb:\n  - on\n  - c: 010\n    d/e~: x\n  - <<: {f: 1}\n");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->front().line, 2U);
  const auto& second = read->back();
  EXPECT_EQ(second.line, 5U);
  EXPECT_EQ(second.line_of("/b/0"), 6U);
  EXPECT_EQ(second.places.at("/b/0").written, "on");
  EXPECT_EQ(second.places.at("/b/1/c").written, "010");
  EXPECT_EQ(second.line_of("/b/1/d~1e~0"), 8U);
  EXPECT_EQ(second.line_of("/b/2/f"), 9U);
  EXPECT_EQ(second.line_of("/b/1/none/such"), 7U);
  EXPECT_EQ(second.line_of("/none"), 5U);
  EXPECT_TRUE(second.repeated.empty());
}

TEST(ReadYaml, KnowsTheLinesOfJsonToo) {
  const auto read = read_yaml("{\n \"a\": [1,\n 2]\n}\n{\"b\":\n 1}\n");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->front().line_of("/a/1"), 3U);
  EXPECT_EQ(read->back().line_of("/b"), 6U);
}

TEST(ReadYaml, TellsKeysThatStandTwice) {
  const auto read = read_yaml("s:\n  a: {x: 1}\n  b: 1\n  a: 2\nd: &d {k: 1}\ne: {<<: *d, k: 2}\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->front().repeated, std::vector<std::string>{"/s/a"});
  EXPECT_EQ(read->front().line_of("/s/a"), 4U);
  EXPECT_FALSE(read->front().places.contains("/s/a/x"));
}

TEST(ReadYaml, RefusesWhatIsChanceOrTooMuch) {
  EXPECT_EQ(
      refusal("a:\n  1: x\n  '1': y\n"),
      "line 3: the key 1 appears twice in one map, with and without quotes: which one wins is undefined");
  EXPECT_EQ(
      refusal("a: &a {1: x}\nb:\n  <<: *a\n  1.0: y\n"),
      "line 4: the key 1 appears twice in one map, with and without quotes: which one wins is undefined");
  EXPECT_EQ(
      refusal("a: 1\n\nb: [1, 2\nc: {"),
      "line 4: this is not YAML: did not find expected ',' or ']' (while parsing a flow sequence of line 3)");
  EXPECT_EQ(refusal("a: 1\n---\nb: *x\n"), "line 3: *x names no anchor defined above it");
  EXPECT_EQ(refusal("a: &x [*x]\n"), "line 1: the anchor x contains itself");
  EXPECT_EQ(refusal("a:\n  <<: text\n"), "line 2: << takes a map, an alias of one, or a list of these");
  EXPECT_EQ(refusal("a: !!int x\n"), "line 1: 'x' is not what its tag !!int says");
  EXPECT_EQ(refusal("a: .inf\n"), "line 1: .inf is not a number in JSON, and so not in Kubernetes");
  EXPECT_EQ(refusal("a: 1\n--- b: 2\n"),
            "line 2: a line that begins with --- divides documents: nothing may follow on it");
  EXPECT_EQ(refusal(std::string(150, '[')), "line 1: the YAML has more than 100 levels");
  EXPECT_EQ(refusal("{\"a\":" + std::string(150, '[')), "line 1: the YAML has more than 100 levels");
  std::string many = "a: [";
  for (int i = 0; i < 100'000; ++i)
    many += "1,";
  EXPECT_EQ(refusal(many + "1]\n"), "line 1: the YAML has more than 100000 nodes");
  std::string documents;
  for (int i = 0; i < 10'001; ++i)
    documents += "{}\n";
  EXPECT_EQ(refusal(documents), "line 10001: the file has more than 10000 documents");
  std::string long_chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 200; ++i)
    long_chain += fmt::format("a{}: &a{} [*a{}]\n", i, i, i - 1);
  EXPECT_EQ(refusal(long_chain), "line 1: the YAML has more than 100 levels");
}

}  // namespace
}  // namespace fluxmetrics
