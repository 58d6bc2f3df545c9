#include "instance/denied_jobs.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
constexpr double now = 1'800'000'000;

json::object listed(flux::JobId id, std::int64_t nodes, double ended,
                    std::string_view note = "alloc denied due to type=\"unsatisfiable\"") {
  return {{"id", id},
          {"nnodes", nodes},
          {"ncores", nodes * 4},
          {"t_inactive", ended},
          {"exception_type", "alloc"},
          {"exception_note", note}};
}

json::value reply(json::array jobs) {
  return json::object{{"jobs", std::move(jobs)}};
}

InstanceState one_queue() {
  InstanceState state;
  state.queues.emplace_back();
  return state;
}

std::vector<flux::JobId> ids_of(const InstanceState& state) {
  std::vector<flux::JobId> ids;
  for (const auto& job : state.denied)
    ids.push_back(job.id);
  return ids;
}

using Ids = std::vector<flux::JobId>;

TEST(DeniedJobs, AreThoseThatTheSchedulerFoundUnsatisfiable) {
  DeniedJobs denied;
  auto ran = listed(3, 4, now - 3);
  ran["t_run"] = now - 9;
  auto cancelled = listed(4, 4, now - 3, "unsatisfiable");
  cancelled["exception_type"] = "cancel";
  auto failed = json::object{{"id", 5}, {"t_inactive", now - 1}, {"t_run", now - 2}};
  const auto latest =
      denied.take(reply({listed(2, 4, now - 5), ran, cancelled, failed,
                         listed(6, 8, now - 4, "unsatisfiable request: need 8 exclusive node(s)"),
                         listed(7, 8, now - 4, "no such property")}));
  ASSERT_TRUE(latest) << latest.error().message;
  EXPECT_DOUBLE_EQ(*latest, now - 1);
  auto state = one_queue();
  denied.write(state, from_unix(now));
  EXPECT_EQ(ids_of(state), (Ids{2, 6}));
  EXPECT_EQ(state.shapes[state.denied[0].shape].nodes, 4U);
  // The same list again.
  ASSERT_TRUE(denied.take(reply({listed(2, 4, now - 5)})));
  denied.write(state, from_unix(now));
  EXPECT_EQ(ids_of(state), (Ids{2, 6}));
  EXPECT_FALSE(denied.take(json::object()));
}

TEST(DeniedJobs, AreForgottenAfterAnHour) {
  DeniedJobs denied;
  ASSERT_TRUE(denied.take(reply({listed(2, 4, now - 3000), listed(3, 4, now - 10)})));
  auto state = one_queue();
  EXPECT_TRUE(denied.outdated(from_unix(now))) << "nothing was written";
  denied.write(state, from_unix(now + 1000));
  EXPECT_EQ(ids_of(state), Ids{3});
  EXPECT_FALSE(denied.outdated(from_unix(now + 1000)));
  EXPECT_TRUE(denied.outdated(from_unix(now + 4000)));
  denied.write(state, from_unix(now + 4000));
  EXPECT_EQ(ids_of(state), Ids{});
  EXPECT_FALSE(denied.outdated(from_unix(now + 4000)));
}

TEST(DeniedJobs, AreForgottenWhenOneAsWideIsTaken) {
  const auto left = [](Job retry) {
    DeniedJobs denied;
    EXPECT_TRUE(denied.take(reply({listed(2, 4, now - 5)})));
    auto state = one_queue();
    state.shapes.emplace_back();
    retry.id = 9;
    state.jobs.push_back(retry);
    denied.write(state, from_unix(now));
    // It is no matter of the moment: the retry may be over before anybody looks again.
    state.jobs.clear();
    denied.write(state, from_unix(now));
    return ids_of(state);
  };
  using enum flux::JobState;
  EXPECT_EQ(left({.state = run, .t_submit = now - 2, .nnodes = 4, .ncores = {}}), Ids{});
  EXPECT_EQ(left({.state = sched, .t_submit = now - 2, .nnodes = 6, .ncores = {}}), Ids{});
  EXPECT_EQ(left({.state = run, .t_submit = now - 2, .nnodes = 3, .ncores = {}}), Ids{2}) << "narrower";
  EXPECT_EQ(left({.state = run, .t_submit = now - 20, .nnodes = 4, .ncores = {}}), Ids{2})
      << "was there before";
  EXPECT_EQ(left({.state = priority, .t_submit = now - 2, .nnodes = 4, .ncores = {}}), Ids{2})
      << "may still be denied";
}

TEST(DeniedJobs, AJobspecTellsMoreThanCounts) {
  DeniedJobs denied;
  ASSERT_TRUE(denied.take(reply({listed(2, 4, now - 5)})));
  EXPECT_EQ(denied.without_jobspec(5), Ids{2});
  denied.set_jobspec(2,
                     json::parse(R"({"resources":[{"type":"node","count":4,"with":[{"type":"slot","count":1,
      "label":"task","with":[{"type":"core","count":2},{"type":"gpu","count":1}]}]}],
      "tasks":[],"attributes":{"system":{"duration":0}},"version":1})"));
  EXPECT_EQ(denied.without_jobspec(5), Ids{});
  auto state = one_queue();
  denied.write(state, from_unix(now));
  ASSERT_EQ(state.denied.size(), 1U);
  EXPECT_EQ(state.shapes[state.denied[0].shape].gpus, 1U);
  denied.set_jobspec(3, {});  // none of them
}

}  // namespace
}  // namespace fluxmetrics::instance
