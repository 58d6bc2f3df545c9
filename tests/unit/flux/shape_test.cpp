#include "flux/shape.hpp"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace fluxmetrics::flux {
namespace {

Result<Shape> read(std::string_view resources) {
  boost::json::parse_options options;
  options.max_depth = 200;
  return read_shape(boost::json::parse(resources, {}, options));
}

// A tree in short: "node 4! > slot 2 > core 1 + gpu 1". "!": exclusive. A count may be any JSON text.
boost::json::array tree(std::string_view text) {
  const auto trim = [](std::string_view part) {
    const auto first = part.find_first_not_of(' ');
    return part.substr(first, part.find_last_not_of(' ') - first + 1);
  };
  const auto below = text.find('>');
  std::string_view level = text.substr(0, below);
  boost::json::array vertices;
  for (;;) {
    const auto next = level.find(" + ");
    std::string_view part = trim(level.substr(0, next));
    boost::json::object vertex;
    if (part.ends_with('!')) {
      vertex["exclusive"] = true;
      part = trim(part.substr(0, part.size() - 1));
    }
    const auto blank = part.find(' ');
    vertex["type"] = part.substr(0, blank);
    vertex["count"] = boost::json::parse(part.substr(blank + 1));
    vertices.emplace_back(std::move(vertex));
    if (next == std::string_view::npos) break;
    level.remove_prefix(next + 3);
  }
  if (below != std::string_view::npos) vertices.back().as_object()["with"] = tree(text.substr(below + 1));
  return vertices;
}

Shape shape_of(std::string_view text) {
  const auto shape = read_shape(tree(text));
  EXPECT_TRUE(shape) << text << ": " << (shape ? "" : shape.error().message);
  return shape.value_or(Shape{});
}

TEST(Shape, reads_slots_and_nodes) {
  EXPECT_EQ(shape_of("slot 3 > core 2"), (Shape{.slots = 3, .cores = 2}));
  EXPECT_EQ(shape_of("slot 3 > core 2 + gpu 1"), (Shape{.slots = 3, .cores = 2, .gpus = 1}));
  EXPECT_EQ(shape_of("node 4 > slot 2 > core 3"), (Shape{.nodes = 4, .slots = 2, .cores = 3}));
  EXPECT_EQ(shape_of("node 4! > slot 1 > core 1"), (Shape{.nodes = 4, .cores = 1, .exclusive = true}));
  EXPECT_EQ(shape_of("slot 3 > gpu 0 + core 2"), (Shape{.slots = 3, .cores = 2}));
}

TEST(Shape, nodes_in_a_slot_are_whole) {
  EXPECT_EQ(shape_of("slot 4 > node 1! > core 1"), (Shape{.nodes = 4, .cores = 1, .exclusive = true}));
  EXPECT_EQ(shape_of("slot 4 > node 1 > core 3"), (Shape{.nodes = 4, .cores = 3, .exclusive = true}));
  EXPECT_EQ(shape_of("slot 2 > node 3"), (Shape{.nodes = 6, .cores = 1, .exclusive = true}));
  EXPECT_EQ(shape_of("slot 2 > node 1 > socket 2 > core 4 + gpu 1"),
            (Shape{.nodes = 2, .cores = 8, .gpus = 2, .exclusive = true}));
  EXPECT_EQ(shape_of("slot 2 > rack 1 > node 2 > core 4"),
            (Shape{.nodes = 4, .cores = 4, .exclusive = true}));
}

TEST(Shape, counts_what_lies_between) {
  EXPECT_EQ(shape_of("node 4 > socket 2 > slot 1 > core 2"), (Shape{.nodes = 4, .slots = 2, .cores = 2}));
  EXPECT_EQ(shape_of("node 2 > socket 2 > slot 3 > core 2 + gpu 1"),
            (Shape{.nodes = 2, .slots = 6, .cores = 2, .gpus = 1}));
  EXPECT_EQ(shape_of("node 2 > slot 1 > socket 2 > core 4 + gpu 1"),
            (Shape{.nodes = 2, .cores = 8, .gpus = 2}));
  EXPECT_EQ(shape_of("node 1 > socket 2 > numanode 2 > L3cache 2 > slot 1 > core 2"),
            (Shape{.nodes = 1, .slots = 8, .cores = 2}));
  EXPECT_EQ(shape_of("rack 2 > node 3 > slot 1 > core 2"), (Shape{.nodes = 6, .cores = 2}));
  EXPECT_EQ(shape_of("cluster 1 > rack 2 > node 3 > slot 2 > core 2 + gpu 1"),
            (Shape{.nodes = 6, .slots = 2, .cores = 2, .gpus = 1}));
  EXPECT_EQ(shape_of("socket 2 > slot 3 > core 2"), (Shape{.slots = 6, .cores = 2}));
  EXPECT_EQ(shape_of("rack 2 > slot 3 > core 2"), (Shape{.slots = 6, .cores = 2}));
  EXPECT_EQ(shape_of("slot 2 > socket 1 > core 4 + gpu 1"), (Shape{.slots = 2, .cores = 4, .gpus = 1}));
  EXPECT_EQ(shape_of("core 4 > slot 1 > PU 2"), (Shape{.slots = 4, .cores = 1}));
}

TEST(Shape, exclusive_at_any_level) {
  EXPECT_EQ(shape_of("rack 2! > node 3 > slot 1 > core 2"),
            (Shape{.nodes = 6, .cores = 2, .exclusive = true}));
  // A whole socket, or a whole core, is no whole node.
  EXPECT_EQ(shape_of("node 2 > socket 1! > slot 1 > core 2"), (Shape{.nodes = 2, .cores = 2}));
  EXPECT_EQ(shape_of("node 2 > slot 1 > core 2!"), (Shape{.nodes = 2, .cores = 2}));
  EXPECT_EQ(shape_of("slot 2! > core 2"), (Shape{.slots = 2, .cores = 2}));
}

TEST(Shape, leaves_away_what_does_not_count) {
  EXPECT_EQ(shape_of("node 3! > slot 1 > core 2 + memory 4"),
            (Shape{.nodes = 3, .cores = 2, .exclusive = true}));
  EXPECT_EQ(shape_of("slot 2 > memory 4 + core 2 + ssd 1"), (Shape{.slots = 2, .cores = 2}));
  EXPECT_EQ(shape_of("ssd 1 + slot 2 > core 2"), (Shape{.slots = 2, .cores = 2}));
  EXPECT_EQ(shape_of("storage 1 + node 2 > slot 1 > core 2"), (Shape{.nodes = 2, .cores = 2}));
  // Something must be there to run on.
  EXPECT_EQ(shape_of("node 2 > slot 1 > memory 4"), (Shape{.nodes = 2, .cores = 1}));
  EXPECT_EQ(shape_of("slot 2 > memory 4"), (Shape{.slots = 2, .cores = 1}));
  EXPECT_EQ(shape_of("slot 2 > gpu 1"), (Shape{.slots = 2, .cores = 0, .gpus = 1}));
}

TEST(Shape, a_range_counts_as_its_minimum) {
  for (const char* count :
       {R"({"min":2,"max":8,"operator":"+","operand":1})", R"({"min":2,"max":8})", R"({"min":2})",
        R"({"min":2,"max":16,"operator":"*","operand":2})",
        R"({"min":2,"max":64,"operator":"^","operand":2})", R"("2-8")", R"("2+")", R"("2+:4")",
        R"("2-16:2:*")", R"("[2-8]")", R"("2,4,8")", R"("[2,5-8]")", R"("{\"min\":2}")", R"("2")", "2"}) {
    EXPECT_EQ(shape_of("node " + std::string(count) + " > slot 1 > core 1").nodes, 2U) << count;
    EXPECT_EQ(shape_of("slot " + std::string(count) + " > core 1").slots, 2U) << count;
    EXPECT_EQ(shape_of("node 4 > slot 1 > core " + std::string(count)).cores, 2U) << count;
    EXPECT_EQ(shape_of("slot " + std::string(count) + " > node 2 > core 1").nodes, 4U) << count;
  }
}

TEST(Shape, joins_what_differs) {
  // Two kinds of nodes, or of slots: together as many, and each an equal part.
  EXPECT_EQ(*read(R"([{"type":"node","count":1,"with":[{"type":"slot","count":1,"with":
                        [{"type":"core","count":4},{"type":"gpu","count":1}]}]},
                      {"type":"node","count":3,"with":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}]}])"),
            (Shape{.nodes = 4, .cores = 2, .gpus = 1}));
  EXPECT_EQ(*read(R"([{"type":"slot","count":2,"with":[{"type":"core","count":4}]},
                      {"type":"slot","count":2,"with":[{"type":"core","count":1}]}])"),
            (Shape{.slots = 4, .cores = 3}));
  // Slots that differ in one node lie on it together.
  EXPECT_EQ(
      *read(R"([{"type":"node","count":2,"with":[{"type":"slot","count":1,"with":[{"type":"core","count":4}]},
                      {"type":"slot","count":2,"with":[{"type":"core","count":1},{"type":"gpu","count":1}]}]}])"),
      (Shape{.nodes = 2, .cores = 6, .gpus = 2}));
  // Slots beside nodes are not told.
  const auto both = read(R"([{"type":"node","count":2,"with":[{"type":"slot","count":1,"with":
                               [{"type":"core","count":1}]}]},
                             {"type":"slot","count":5,"with":[{"type":"core","count":1}]}])");
  EXPECT_EQ(*both, (Shape{.nodes = 2, .cores = 1, .known = false}));
}

TEST(Shape, huge_counts_do_not_wrap_round) {
  EXPECT_EQ(shape_of("rack 4294967295 > node 4294967295 > slot 4294967295 > core 4294967295").nodes,
            4294967295U);
  EXPECT_EQ(shape_of("slot 1 > socket 4294967295 > core 4294967295").cores, 4294967295U);
}

TEST(Shape, refuses_what_is_no_tree_of_resources) {
  std::string deep = R"([{"type":"slot","count":1}])";
  for (int i = 0; i < 40; ++i)
    deep = R"([{"type":"rack","count":1,"with":)" + deep + "}]";
  const std::vector<std::pair<std::string, std::string_view>> cases{
      {"{}", "resources is not an array"},
      {"[]", "no node, slot, core or gpu"},
      {R"([{"type":"rack","count":1}])", "no node, slot, core or gpu"},
      {"[1]", "not an object"},
      {R"([{"type":"slot","count":0,"with":[{"type":"core","count":1}]}])", "the count of a 'slot'"},
      {R"([{"type":"slot","count":-1,"with":[{"type":"core","count":1}]}])", "the count of a 'slot'"},
      {R"([{"type":"slot","count":4294967296,"with":[{"type":"core","count":1}]}])", "the count of a 'slot'"},
      {R"([{"type":"slot","count":1.5,"with":[{"type":"core","count":1}]}])", "the count of a 'slot'"},
      {R"([{"type":"slot","with":[{"type":"core","count":1}]}])", "the count of a 'slot'"},
      {R"([{"type":"node","count":"x","with":[{"type":"core","count":1}]}])", "the count of a 'node'"},
      {R"([{"type":"node","count":"{}"}])", "the count of a 'node'"},
      {R"([{"type":"slot","count":1,"with":[{"type":"core","count":-1}]}])", "the count of a 'core'"},
      {R"([{"type":"slot","count":1,"with":{}}])", "with is not an array"},
      {deep, "nested deeper"}};
  for (const auto& [resources, reason] : cases) {
    const auto shape = read(resources);
    ASSERT_FALSE(shape) << resources;
    EXPECT_EQ(shape.error().code, Code::protocol);
    EXPECT_NE(shape.error().message.find(reason), std::string::npos) << shape.error().message;
  }
}

TEST(ShapeFromCounts, is_a_lower_bound) {
  EXPECT_EQ(shape_from_counts(2, 8), (Shape{.nodes = 2, .slots = 1, .cores = 4, .known = false}));
  EXPECT_EQ(shape_from_counts(2, {}),
            (Shape{.nodes = 2, .slots = 1, .cores = 1, .exclusive = true, .known = false}));
  EXPECT_EQ(shape_from_counts({}, 6), (Shape{.nodes = {}, .slots = 6, .cores = 1, .known = false}));
  EXPECT_EQ(shape_from_counts({}, {}), (Shape{.nodes = {}, .slots = 1, .cores = 1, .known = false}));
  EXPECT_EQ(shape_from_counts(0, 0), (Shape{.nodes = {}, .slots = 1, .cores = 1, .known = false}));
}

TEST(Shape, orders) {
  EXPECT_LT(shape_from_counts({}, 6), shape_from_counts({}, 7));
}

}  // namespace
}  // namespace fluxmetrics::flux
