#include "instance/scheduler.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::instance {
namespace {

Scheduler fluxion(std::string policy, std::string match = "first",
                  std::string filters = "ALL:core,ALL:node") {
  Scheduler scheduler;
  scheduler.kind = Scheduler::Kind::fluxion;
  scheduler.module = "sched-fluxion-qmanager";
  scheduler.queue_policy = Setting::of(std::move(policy));
  scheduler.match_policy = Setting::of(std::move(match));
  scheduler.prune_filters = Setting::of(std::move(filters));
  return scheduler;
}

TEST(Scheduler, SomeMatchPoliciesGiveEachJobWholeNodes) {
  for (const auto* const policy : {"lonodex", "hinodex", "firstnodex", "node_exclusive=true policy=low",
                                   "policy=high node_exclusive=true"})
    EXPECT_TRUE(fluxion("easy", policy).whole_nodes()) << policy;
  for (const auto* const policy :
       {"first", "low", "high", "lonode", "hinode", "locality", "variation",
        "policy=low node_exclusive=false", "policy=high node_centric=true", "node_exclusive=truest", ""})
    EXPECT_FALSE(fluxion("easy", policy).whole_nodes()) << policy;
  EXPECT_FALSE(Scheduler{}.whole_nodes());
}

TEST(Scheduler, SomeMatchPoliciesFillTheHighestRanksFirst) {
  for (const auto* const policy : {"first", "firstnodex", "high", "hinode", "hinodex", "policy=high",
                                   "stop_on_1_matches=true policy=high"})
    EXPECT_TRUE(fluxion("easy", policy).fills_high_ranks_first()) << policy;
  for (const auto* const policy : {"low", "lonode", "lonodex", "policy=low", "locality"})
    EXPECT_FALSE(fluxion("easy", policy).fills_high_ranks_first()) << policy;
  EXPECT_FALSE(Scheduler{}.fills_high_ranks_first());
}

TEST(Scheduler, FcfsDeniesWideJobsAsLongAsItsFiltersCountNodes) {
  EXPECT_EQ(fluxion("fcfs").denies_wide_jobs(), true);
  EXPECT_EQ(fluxion("fcfs", "first", "ALL:core,cluster:node").denies_wide_jobs(), true);
  EXPECT_EQ(fluxion("fcfs", "first", "ALL:core").denies_wide_jobs(), false);
  EXPECT_EQ(fluxion("fcfs", "first", "node:core").denies_wide_jobs(), false);
  for (const auto* const policy : {"easy", "hybrid", "conservative"})
    EXPECT_EQ(fluxion(policy).denies_wide_jobs(), false) << policy;
}

TEST(Scheduler, WhatIsNotKnownDeniesNothingAndAllowsNothing) {
  auto scheduler = fluxion("fcfs");
  scheduler.prune_filters = Setting::because("only the owner reads it");
  EXPECT_EQ(scheduler.denies_wide_jobs(), std::nullopt);
  scheduler.queue_policy = Setting::of("easy");
  EXPECT_EQ(scheduler.denies_wide_jobs(), false);
  scheduler.queue_policy = Setting::because("it did not answer");
  EXPECT_EQ(scheduler.denies_wide_jobs(), std::nullopt);
  EXPECT_EQ(Scheduler{}.denies_wide_jobs(), std::nullopt);
  Scheduler simple;
  simple.kind = Scheduler::Kind::simple;
  EXPECT_EQ(simple.denies_wide_jobs(), false);
}

TEST(Scheduler, AQueueHasAPolicyOfItsOwn) {
  auto scheduler = fluxion("easy");
  scheduler.queue_policies = {{.queue = "batch", .policy = "easy"}, {.queue = "debug", .policy = "fcfs"}};
  EXPECT_TRUE(scheduler.policy_of("debug").is("fcfs"));
  EXPECT_TRUE(scheduler.policy_of("batch").is("easy"));
  EXPECT_EQ(scheduler.denies_wide_jobs("batch"), false);
  EXPECT_EQ(scheduler.denies_wide_jobs("debug"), true);
  EXPECT_EQ(scheduler.denies_wide_jobs(), true);
  // Where every queue has its own, the common one decides nothing.
  scheduler = fluxion("fcfs");
  scheduler.queue_policies = {{.queue = "batch", .policy = "easy"}};
  EXPECT_EQ(scheduler.denies_wide_jobs(), false);
}

TEST(Scheduler, ItsDocumentIsReadBack) {
  auto scheduler = fluxion("fcfs", "policy=high node_exclusive=true");
  scheduler.queue_policies = {{.queue = "batch", .policy = "easy"}};
  scheduler.prune_filters = Setting::because("only the owner of the instance may ask");
  const auto document = scheduler.to_json();
  EXPECT_EQ(document.at("name"), "Fluxion");
  EXPECT_EQ(document.at("unknown").at("prune_filters"), "only the owner of the instance may ask");
  EXPECT_FALSE(document.contains("prune_filters"));
  EXPECT_EQ(*Scheduler::from_json(document), scheduler);
  EXPECT_EQ(*Scheduler::from_json(Scheduler{}.to_json()), Scheduler{});
  Scheduler other;
  other.kind = Scheduler::Kind::other;
  other.module = "sched-mine";
  EXPECT_EQ(other.name(), "sched-mine");
  EXPECT_EQ(*Scheduler::from_json(other.to_json()), other);
  EXPECT_FALSE(Scheduler::from_json({{"match_policy", 3}}));
}

}  // namespace
}  // namespace fluxmetrics::instance
