#include "instance/scheduler_replies.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

#include <boost/json.hpp>

#include "flux/replies.hpp"
#include "instance/match_stats.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;

// What flux-sched 0.54 answered in its default settings.
json::value recorded(const std::string& name) {
  std::ifstream file(std::filesystem::path(TEST_DATA) / "fluxion-captures" / ("fluxion." + name + ".json"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return json::parse(text).at("reply");
}

json::value modules(std::string_view name, json::array services) {
  return {{"mods",
           {{{"name", "resource"}, {"services", {"resource"}}},
            {{"name", name}, {"services", std::move(services)}}}}};
}

TEST(SchedulerReplies, TheModuleThatOffersSchedIsTheScheduler) {
  const auto kind_of = [](const json::value& reply) {
    Scheduler scheduler;
    EXPECT_TRUE(read_modules(reply, scheduler));
    return std::pair(scheduler.kind, scheduler.module);
  };
  using Kind = Scheduler::Kind;
  EXPECT_EQ(kind_of(modules("sched-simple", {"feasibility", "sched"})),
            std::pair(Kind::simple, std::string("sched-simple")));
  EXPECT_EQ(kind_of(modules("sched-fluxion-qmanager", {"sched"})),
            std::pair(Kind::fluxion, std::string("sched-fluxion-qmanager")));
  EXPECT_EQ(kind_of(modules("sched-own", {"sched"})), std::pair(Kind::other, std::string("sched-own")));
  // One of Fluxion's three modules alone schedules nothing.
  EXPECT_EQ(kind_of(modules("sched-fluxion-resource", json::array{})), std::pair(Kind::none, std::string()));
  Scheduler scheduler;
  EXPECT_FALSE(read_modules(json::object(), scheduler));
}

TEST(SchedulerReplies, FluxionsDefaultsAsRecorded) {
  Scheduler scheduler;
  scheduler.kind = Scheduler::Kind::fluxion;
  ASSERT_TRUE(read_queue_policies(recorded("sched-fluxion-qmanager.params"), scheduler));
  ASSERT_TRUE(read_match_settings(recorded("sched-fluxion-resource.params"), scheduler));
  EXPECT_TRUE(scheduler.queue_policy.is("fcfs"));
  EXPECT_TRUE(scheduler.queue_policies.empty()) << "its only queue is Flux's anonymous one";
  EXPECT_TRUE(scheduler.match_policy.is("first"));
  EXPECT_TRUE(scheduler.prune_filters.is("ALL:core,ALL:node"));
  EXPECT_EQ(scheduler.denies_wide_jobs(), true);
  EXPECT_TRUE(scheduler.fills_high_ranks_first());
}

TEST(SchedulerReplies, EachQueueHasItsPolicy) {
  Scheduler scheduler;
  scheduler.kind = Scheduler::Kind::fluxion;
  scheduler.prune_filters = Setting::of("ALL:core,ALL:node");
  ASSERT_TRUE(read_queue_policies({{"params",
                                    {{"queue-policy", "easy"},
                                     {"queue-params", ""},
                                     {"debug", {{"queue-policy", "fcfs"}, {"queue-params", ""}}},
                                     {"batch", {{"queue-policy", "easy"}, {"queue-params", ""}}}}}},
                                  scheduler));
  EXPECT_TRUE(scheduler.policy_of("debug").is("fcfs"));
  EXPECT_TRUE(scheduler.policy_of("batch").is("easy"));
  EXPECT_EQ(scheduler.denies_wide_jobs("batch"), false);
  EXPECT_EQ(scheduler.denies_wide_jobs("debug"), true);
  EXPECT_FALSE(read_queue_policies({{"params", 3}}, scheduler));
  EXPECT_FALSE(read_queue_policies(json::object(), scheduler));
}

TEST(SchedulerReplies, AGuestReadsWhatTheConfigurationSays) {
  Scheduler scheduler;
  read_configured_match_settings({{"sched-fluxion-resource", {{"match-policy", "lonodex"}}}},
                                 "only the owner may ask", scheduler);
  EXPECT_TRUE(scheduler.whole_nodes());
  EXPECT_FALSE(scheduler.prune_filters.value);
  EXPECT_EQ(scheduler.prune_filters.unknown, "only the owner may ask");
  read_configured_match_settings(json::object(), "only the owner may ask", scheduler);
  EXPECT_FALSE(scheduler.match_policy.value) << "options of the module may have set it";
  EXPECT_EQ(scheduler.match_policy.unknown, "only the owner may ask");
}

TEST(MatchStats, AsRecorded) {
  const auto stats = MatchStats::from_reply(recorded("sched-fluxion-resource.stats-get"));
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(stats->vertices, 25);
  EXPECT_EQ(stats->edges, 24);
  EXPECT_EQ(stats->succeeded.matches, 1);
  EXPECT_DOUBLE_EQ(stats->succeeded.longest, 0.000585588);
  EXPECT_DOUBLE_EQ(stats->succeeded.seconds, 0.000585588) << "of a single match Fluxion tells 0 as the mean";
  EXPECT_EQ(stats->failed.matches, 0);
  EXPECT_EQ(*MatchStats::from_json(stats->to_json()), *stats);
  EXPECT_FALSE(MatchStats::from_reply({{"V", 25}}));
  EXPECT_FALSE(MatchStats::from_reply({{"V", 25}, {"E", 24}, {"match", json::object()}}));
}

TEST(MatchStats, SecondsAreOfTheMatchesSinceTheLastClear) {
  const json::object outcome{{"njobs", 10}, {"njobs-reset", 4}, {"stats", {{"max", 0.5}, {"avg", 0.25}}}};
  const auto stats =
      MatchStats::from_reply({{"V", 1}, {"E", 0}, {"match", {{"succeeded", outcome}, {"failed", outcome}}}});
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->failed.matches, 10);
  EXPECT_EQ(stats->failed.timed_matches, 4);
  EXPECT_DOUBLE_EQ(stats->failed.seconds, 1);
}

// Before 0.61 it was the only one that tells what is allocated; Fluxion writes empty sets as null.
TEST(SchedulerReplies, FluxionsResourceStatusHasNulls) {
  const auto status = flux::SchedStatus::from_json(recorded("sched.resource-status.idle-3of4"));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->allocated.empty());
  EXPECT_EQ(status->down.ranks().to_string(), "3");
}

}  // namespace
}  // namespace fluxmetrics::instance
