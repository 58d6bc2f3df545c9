#include "flux/jobspec.hpp"

#include <gtest/gtest.h>
#include <map>

#include <boost/json.hpp>

#include "flux/captures.hpp"
#include "flux/job.hpp"

namespace fluxmetrics::flux {
namespace {

Result<Jobspec> parse(std::string_view text) {
  return parse_jobspec(boost::json::parse(text));
}

Shape shape_of(std::string_view resources) {
  const auto spec = parse(R"({"version":1,"resources":)" + std::string(resources) + "}");
  EXPECT_TRUE(spec) << (spec ? "" : spec.error().message);
  return spec ? spec->shape : Shape{};
}

TEST(Jobspec, reads_slots_with_and_without_nodes) {
  EXPECT_EQ(
      shape_of(
          R"([{"type":"slot","count":3,"label":"t","with":[{"type":"core","count":2},{"type":"gpu","count":1}]}])"),
      (Shape{.nodes = {}, .slots = 3, .cores = 2, .gpus = 1}));
  EXPECT_EQ(
      shape_of(R"([{"type":"node","count":4,"exclusive":true,"with":[{"type":"slot","count":1,"label":"t",
                         "with":[{"type":"core","count":1}]}]}])"),
      (Shape{.nodes = 4, .slots = 1, .cores = 1, .gpus = 0, .exclusive = true}));
}

TEST(Jobspec, a_count_range_counts_as_its_minimum) {
  for (const char* count : {R"({"min":2,"max":8})", R"({"min":2})", R"("2-8")", R"("2+")", "2"}) {
    EXPECT_EQ(shape_of(R"([{"type":"node","count":)" + std::string(count) +
                       R"(,"with":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}]}])")
                  .nodes,
              2U)
        << count;
  }
}

TEST(Jobspec, reads_attributes) {
  const auto spec = parse(R"({"resources":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}],
      "attributes":{"system":{"duration":60,"queue":"batch","job":{"name":"run-a"},
      "constraints":{"properties":["batch"]}}}})");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->duration, 60);
  EXPECT_EQ(spec->queue, "batch");
  EXPECT_EQ(spec->name, "run-a");
  EXPECT_EQ(spec->shape.constraint, Constraint::requires_properties({"batch"}));
  EXPECT_TRUE(spec->shape.known);
}

TEST(Jobspec, says_what_is_not_v1) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {R"([{"type":"rack","count":1}])", "'rack'"},
      {R"([{"type":"node","count":1,"with":[{"type":"socket","count":1}]}])", "'socket'"},
      {R"([{"type":"slot","count":1,"with":[{"type":"core","count":1},{"type":"ssd","count":1}]}])", "'ssd'"},
      {R"([{"type":"slot","count":1,"with":[{"type":"gpu","count":1}]}])", "without cores"},
      {R"([{"type":"slot","count":1,"with":[{"type":"core","count":1}]},{"type":"node","count":1}])",
       "more than one"}};
  for (const auto& [resources, reason] : cases) {
    const auto spec = parse(R"({"resources":)" + std::string(resources) + "}");
    ASSERT_FALSE(spec) << resources;
    EXPECT_EQ(spec.error().code, Code::unsupported);
    EXPECT_NE(spec.error().message.find(reason), std::string::npos) << spec.error().message;
  }
}

TEST(Jobspec, refuses_wrong_json) {
  for (const char* text :
       {"[]", "{}", R"({"resources":[]})", R"({"resources":[1]})",
        R"({"resources":[{"type":"slot","count":0,"with":[{"type":"core","count":1}]}]})",
        R"({"resources":[{"type":"slot","count":-1,"with":[{"type":"core","count":1}]}]})",
        R"({"resources":[{"type":"slot","count":4294967296,"with":[{"type":"core","count":1}]}]})",
        R"({"resources":[{"type":"slot","count":1.5,"with":[{"type":"core","count":1}]}]})",
        R"({"resources":[{"type":"slot","with":[{"type":"core","count":1}]}]})",
        R"({"resources":[{"type":"slot","count":1}]})",
        R"({"resources":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}],"attributes":[]})",
        R"({"resources":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}],
            "attributes":{"system":{"queue":7}}})",
        R"({"resources":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}],
            "attributes":{"system":{"constraints":{"color":["red"]}}}})"}) {
    const auto spec = parse(text);
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().code, Code::protocol) << spec.error().message;
  }
}

// What the real job-list says of a job and what its jobspec says must agree, for every job of the journals.
TEST(Jobspec, agrees_with_job_list) {
  std::map<JobId, Shape> shapes;
  for (const auto& reply : captures::replies("15-sizes.job-manager.events-journal.full.json")) {
    const auto* jobspec = reply.payload.as_object().if_contains("jobspec");
    if (jobspec == nullptr) continue;
    const auto spec = parse_jobspec(*jobspec);
    ASSERT_TRUE(spec) << spec.error().message;
    shapes[reply.payload.at("id").as_int64()] = spec->shape;
  }
  std::size_t compared = 0;
  const auto listed = captures::payload("15-sizes.job-list.list.all-attrs.json");
  for (const auto& job : listed.at("jobs").as_array()) {
    const auto found = shapes.find(job.at("id").as_int64());
    if (found == shapes.end()) continue;
    ++compared;
    const auto& [id, shape] = *found;
    const auto& attributes = job.as_object();
    const auto* nnodes = attributes.if_contains("nnodes");
    const auto* ncores = attributes.if_contains("ncores");
    const bool running = attributes.contains("ranks");
    if (!running) {
      ASSERT_EQ(shape.nodes.has_value(), nnodes != nullptr) << id;
    }
    if (shape.nodes) {
      EXPECT_EQ(*shape.nodes, nnodes->as_int64()) << id;
    }
    if (!running) {
      ASSERT_EQ(shape.exclusive, ncores == nullptr) << id;
    }
    if (!shape.exclusive && ncores != nullptr) {
      EXPECT_EQ(std::int64_t{shape.nodes.value_or(1)} * shape.slots * shape.cores, ncores->as_int64()) << id;
    }
  }
  EXPECT_GE(compared, 10U);
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
