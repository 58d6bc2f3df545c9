#include "flux/constraint.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

ResourceSet cluster() {
  auto set = ResourceSet::from_json(boost::json::parse(
      R"({"version":1,"execution":{"R_lite":[{"rank":"0-5","children":{"core":"0-7"}}],"nodelist":["n[0-5]"],
          "properties":{"batch":"0-3","debug":"2-4"}}})"));
  EXPECT_TRUE(set);
  return *set;
}

Result<Constraint> read(std::string_view text) {
  return Constraint::from_json(boost::json::parse(text));
}

std::string admitted(const Constraint& constraint) {
  const auto resources = cluster();
  return constraint.admitted(resources, *resources.hosts()).to_string();
}

std::string admitted(std::string_view text) {
  const auto constraint = read(text);
  EXPECT_TRUE(constraint) << text;
  return constraint ? admitted(*constraint) : "error";
}

TEST(Constraint, admits_ranks) {
  EXPECT_EQ(admitted("{}"), "0-5");
  EXPECT_EQ(admitted("null"), "0-5");
  EXPECT_EQ(admitted(R"({"properties":["batch"]})"), "0-3");
  EXPECT_EQ(admitted(R"({"properties":["batch","debug"]})"), "2-3");
  EXPECT_EQ(admitted(R"({"properties":["^batch"]})"), "4-5");
  EXPECT_EQ(admitted(R"({"properties":["batch","^debug"]})"), "0-1");
  EXPECT_EQ(admitted(R"({"properties":["no-such"]})"), "");
  EXPECT_EQ(admitted(R"({"properties":["^no-such"]})"), "0-5");
  EXPECT_EQ(admitted(R"({"properties":["n4"]})"), "4");
  EXPECT_EQ(admitted(R"({"properties":[]})"), "0-5");
  EXPECT_EQ(admitted(R"({"ranks":["1-2","5"]})"), "1-2,5");
  EXPECT_EQ(admitted(R"({"ranks":["4-9"]})"), "4-5");
  EXPECT_EQ(admitted(R"({"hostlist":["n[1-2]","n5,elsewhere"]})"), "1-2,5");
}

TEST(Constraint, splits_lists_of_hosts_as_flux_does) {
  for (const char* hosts : {R"("n2, n3")", R"("n2 n3")", R"("n2\tn3")", R"("n[2-3],")", R"(",n2","n3,")",
                            R"("  n[2-3]  ")", R"("n[2-3]","")", R"("n2,\tn3,n2b[1-2]")"}) {
    const auto list = R"({"hostlist":[)" + std::string(hosts) + "]}";
    EXPECT_EQ(admitted(list), "2-3") << list;
    EXPECT_EQ(admitted(R"({"not":[)" + list + "]}"), "0-1,4-5") << list;
    EXPECT_EQ(admitted(R"({"and":[{"ranks":["3-5"]},)" + list + "]}"), "3") << list;
    EXPECT_EQ(admitted(R"({"or":[{"ranks":["5"]},)" + list + "]}"), "2-3,5") << list;
  }
  // An empty list names no host.
  for (const char* none : {R"({"hostlist":[]})", R"({"hostlist":[""]})", R"({"hostlist":[" ,"]})"})
    EXPECT_EQ(admitted(none), "") << none;
}

TEST(Constraint, combines) {
  EXPECT_EQ(admitted(R"({"and":[{"ranks":["2-3"]},{"properties":["batch"]}]})"), "2-3");
  EXPECT_EQ(admitted(R"({"or":[{"ranks":["5"]},{"properties":["batch"]}]})"), "0-3,5");
  EXPECT_EQ(admitted(R"({"not":[{"ranks":["0-4"]}]})"), "5");
  // not denies the conjunction of its operands, as Flux's matcher does.
  EXPECT_EQ(admitted(R"({"not":[{"properties":["batch"]},{"properties":["debug"]}]})"), "0-1,4-5");
  EXPECT_EQ(admitted(R"({"and":[]})"), "0-5");
  EXPECT_EQ(admitted(R"({"or":[]})"), "");
  EXPECT_EQ(admitted(R"({"not":[]})"), "");
  EXPECT_EQ(admitted(R"({"ranks":["0-4"],"properties":["debug"]})"), "2-4");
  EXPECT_EQ(admitted(R"({"or":[{"and":[{"ranks":["0"]},{}]},{"not":[{"ranks":["1-5"]}]}]})"), "0");
}

TEST(Constraint, reads_back_what_it_writes) {
  for (const auto* const text :
       {"{}", R"({"properties":["batch","^debug"]})", R"({"hostlist":["n[0-2]","n5"]})",
        R"({"ranks":["0-2","5"]})", R"({"or":[{"properties":["batch"]},{"not":[{"ranks":["1"]},{}]}]})",
        R"({"properties":["debug"],"hostlist":["n3"]})", R"({"and":[]})",
        R"({"hostlist":["n[1-2]n[3-4], n5","n[1]]"]})"}) {
    const auto constraint = read(text);
    ASSERT_TRUE(constraint) << text;
    const auto again = Constraint::from_json(constraint->to_json());
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(*again, *constraint) << text;
    EXPECT_EQ(admitted(*again), admitted(*constraint)) << text;
  }
}

TEST(Constraint, both_joins_a_queue_with_a_job) {
  const auto queue = Constraint::requires_properties({"batch"});
  EXPECT_EQ(admitted(Constraint::both(queue, *read(R"({"ranks":["3-5"]})"))), "3");
  EXPECT_EQ(admitted(Constraint::both(queue, Constraint::requires_properties({"debug"}))), "2-3");
  // What ingest copies from the queue into the job changes nothing, so that equal shapes stay equal.
  EXPECT_EQ(Constraint::both(queue, *read(R"({"properties":["batch"]})")), queue);
  EXPECT_EQ(Constraint::both(queue, {}), queue);
  EXPECT_EQ(Constraint::both({}, queue), queue);
  EXPECT_TRUE(Constraint::requires_properties({}).admits_all());
}

TEST(Constraint, orders_and_compares) {
  EXPECT_EQ(*read(R"({"properties":["b","a","a"]})"), *read(R"({"properties":["a","b"]})"));
  EXPECT_NE(*read(R"({"ranks":["1"]})"), *read(R"({"ranks":["2"]})"));
  EXPECT_LT(*read(R"({"ranks":["1"]})"), *read(R"({"ranks":["2"]})"));
}

TEST(Constraint, refuses_what_it_does_not_know) {
  const auto unknown = read(R"({"and":[{"gpu-model":["x"]}]})");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::protocol);
  EXPECT_EQ(unknown.error().message, "constraint: operator 'gpu-model' is unknown");
  for (const char* text :
       {R"([])", R"({"properties":"batch"})", R"({"properties":[1]})", R"({"ranks":["z"]})",
        R"({"hostlist":["n["]})", R"({"or":[1]})", R"({"hostlist":["n[0-99999999]"]})"}) {
    const auto constraint = read(text);
    ASSERT_FALSE(constraint) << text;
    EXPECT_EQ(constraint.error().code, Code::protocol);
  }
}

TEST(Constraint, depth_is_bounded) {
  std::string text = "{}";
  for (int i = 0; i < 100; ++i)
    text.insert(0, R"({"not":[)").append("]}");
  boost::json::parse_options options;
  options.max_depth = 1000;
  EXPECT_FALSE(Constraint::from_json(boost::json::parse(text, {}, options)));
}

TEST(Constraint, HostBombsAreRefused) {
  EXPECT_FALSE(Constraint::from_json(json::parse(R"({"hostlist":["n[0-999999]"]})")));
  EXPECT_FALSE(Constraint::from_json(json::parse(R"({"hostlist":["n[0-65535]","m[0-65535]"]})")));
  const auto fits =
      Constraint::from_json(json::parse(R"({"or":[{"hostlist":["n[0-9]"]},{"ranks":["0,2,4"]}]})"));
  ASSERT_TRUE(fits);
  EXPECT_EQ(fits->weight(), 1U + 11U + 4U);
}

}  // namespace
}  // namespace fluxmetrics::flux
