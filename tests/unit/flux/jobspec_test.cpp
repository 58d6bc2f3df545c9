#include "flux/jobspec.hpp"

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "flux/captures.hpp"
#include "flux/job.hpp"

namespace fluxmetrics::flux {
namespace {

Jobspec parse(std::string_view text) {
  return parse_jobspec(boost::json::parse(text));
}

TEST(Jobspec, reads_attributes) {
  const auto spec = parse(R"({"resources":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}],
      "attributes":{"system":{"duration":60,"queue":"batch","job":{"name":"run-a"},
      "constraints":{"properties":["batch"]}}}})");
  EXPECT_FALSE(spec.fault);
  EXPECT_EQ(spec.duration, 60);
  EXPECT_EQ(spec.queue, "batch");
  EXPECT_EQ(spec.name, "run-a");
  EXPECT_EQ(spec.shape.constraint, Constraint::requires_properties({"batch"}));
  EXPECT_TRUE(spec.shape.known);
}

// What is wrong in one place takes nothing away from the others.
TEST(Jobspec, reads_what_can_be_read) {
  const auto shapeless = parse(R"({"resources":[{"type":"node","count":"many"}],
      "attributes":{"system":{"duration":60,"queue":"batch"}}})");
  EXPECT_FALSE(shapeless.sized);
  EXPECT_TRUE(shapeless.attributed);
  EXPECT_EQ(shapeless.queue, "batch");
  EXPECT_EQ(shapeless.duration, 60);
  ASSERT_TRUE(shapeless.fault);
  EXPECT_EQ(shapeless.fault->message, "jobspec: the count of a 'node' is not a number from 1 to 4294967295");

  const auto strange = parse(R"({"resources":[{"type":"slot","count":2,"with":[{"type":"core","count":3}]}],
      "attributes":{"system":{"duration":60,"queue":"batch","constraints":{"color":["red"]}}}})");
  EXPECT_EQ(strange.shape, (Shape{.slots = 2, .cores = 3, .known = false}));
  EXPECT_EQ(strange.queue, "batch");
  ASSERT_TRUE(strange.fault);
  EXPECT_EQ(strange.fault->message, "jobspec: constraint: operator 'color' is unknown");

  const auto nameless = parse(R"({"resources":[{"type":"slot","count":2,"with":[{"type":"core","count":3}]}],
      "attributes":{"system":{"duration":60,"queue":7,"job":[],"constraints":{"ranks":["1"]}}}})");
  EXPECT_EQ(nameless.duration, 60);
  EXPECT_EQ(nameless.shape.slots, 2U);
  EXPECT_FALSE(nameless.shape.constraint.admits_all());
  ASSERT_TRUE(nameless.fault);
  EXPECT_EQ(nameless.fault->message, "jobspec: attributes.system: queue is not a string");
}

TEST(Jobspec, says_what_is_wrong) {
  constexpr auto slot = R"({"resources":[{"type":"slot","count":1,"with":[{"type":"core","count":1}]}])";
  for (const auto& text :
       {std::string("[]"), std::string("{}"), std::string(R"({"resources":{}})"),
        slot + std::string(R"(,"attributes":[]})"), slot + std::string(R"(,"attributes":{"system":[]}})")}) {
    const auto spec = parse(text);
    ASSERT_TRUE(spec.fault) << text;
    EXPECT_EQ(spec.fault->code, Code::protocol) << spec.fault->message;
    EXPECT_FALSE(spec.attributed) << text;
    EXPECT_EQ(spec.sized, text.starts_with(slot)) << text;
  }
}

// What the real job-list says of a job and what its jobspec says must agree, for every job of the journals.
TEST(Jobspec, agrees_with_job_list) {
  std::map<JobId, Shape> shapes;
  for (const auto& reply : captures::replies("15-sizes.job-manager.events-journal.full.json")) {
    const auto* jobspec = reply.payload.as_object().if_contains("jobspec");
    if (jobspec == nullptr) continue;
    const auto spec = parse_jobspec(*jobspec);
    ASSERT_FALSE(spec.fault) << spec.fault->message;
    shapes[reply.payload.at("id").as_int64()] = spec.shape;
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

}  // namespace
}  // namespace fluxmetrics::flux
