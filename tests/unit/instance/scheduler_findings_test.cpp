#include "instance/scheduler_findings.hpp"

#include <gtest/gtest.h>

namespace fluxmetrics::instance {
namespace {

Scheduler fluxion(std::string policy, std::string match, std::string filters = "ALL:core,ALL:node") {
  Scheduler scheduler;
  scheduler.kind = Scheduler::Kind::fluxion;
  scheduler.queue_policy = Setting::of(std::move(policy));
  scheduler.match_policy = Setting::of(std::move(match));
  scheduler.prune_filters = Setting::of(std::move(filters));
  return scheduler;
}

std::vector<std::string> ids_of(const Scheduler& scheduler) {
  std::vector<std::string> ids;
  for (const auto& finding : scheduler_findings(scheduler))
    ids.push_back(finding.id);
  return ids;
}

using Ids = std::vector<std::string>;
const std::string denies = "scheduler-denies-wide-jobs";
const std::string fills = "scheduler-fills-high-ranks";

TEST(SchedulerFindings, OfTheDefaultsThereAreTwo) {
  EXPECT_EQ(ids_of(fluxion("fcfs", "first")), (Ids{denies, fills}));
  EXPECT_EQ(ids_of(fluxion("easy", "first")), Ids{fills});
  EXPECT_EQ(ids_of(fluxion("fcfs", "lonode")), Ids{denies});
  EXPECT_EQ(ids_of(fluxion("fcfs", "lonode", "ALL:core")), Ids{});
  EXPECT_EQ(ids_of(fluxion("conservative", "policy=low node_exclusive=true")), Ids{});
}

TEST(SchedulerFindings, OthersHaveNoSuchSettings) {
  EXPECT_EQ(ids_of(Scheduler{}), Ids{});
  Scheduler simple;
  simple.kind = Scheduler::Kind::simple;
  EXPECT_EQ(ids_of(simple), Ids{});
}

TEST(SchedulerFindings, FiltersThatNobodyToldAreMentioned) {
  auto scheduler = fluxion("fcfs", "lonode");
  scheduler.prune_filters = Setting::because("only the owner may ask");
  const auto findings = scheduler_findings(scheduler);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].fault.find("only the owner may ask"), std::string::npos) << findings[0].fault;
}

TEST(SchedulerFindings, TheQueuesThatDenyAreNamed) {
  auto scheduler = fluxion("easy", "lonode");
  scheduler.queue_policies = {{.queue = "batch", .policy = "easy"}, {.queue = "debug", .policy = "fcfs"}};
  const auto findings = scheduler_findings(scheduler);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].fault.find("fcfs (queue debug)"), std::string::npos) << findings[0].fault;
}

TEST(SchedulerFindings, TheCureMendsTheFault) {
  // What the text tells to set, set.
  EXPECT_EQ(ids_of(fluxion("easy", "lonode")), Ids{});
  const auto findings = scheduler_findings(fluxion("fcfs", "hinodex"));
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].broker_toml, "[sched-fluxion-qmanager]\nqueue-policy = \"easy\"");
  EXPECT_NE(findings[0].minicluster.find("queuePolicy: easy"), std::string::npos);
  EXPECT_EQ(findings[1].broker_toml, "[sched-fluxion-resource]\nmatch-policy = \"lonodex\"")
      << "jobs keep whole nodes";
  EXPECT_NE(findings[1].minicluster.find("brokerConfig"), std::string::npos);
  const auto text = text_of(findings[0]);
  EXPECT_NE(text.find("  queue-policy = \"easy\""), std::string::npos) << text;
}

TEST(SchedulerFindings, ALineTellsAllSettings) {
  EXPECT_EQ(describe(fluxion("fcfs", "first")),
            "Fluxion, queue policy fcfs, match policy first, prune filters ALL:core,ALL:node");
  Scheduler simple;
  simple.kind = Scheduler::Kind::simple;
  EXPECT_EQ(describe(simple), "sched-simple");
  Scheduler silent;
  silent.unknown = "it did not answer";
  EXPECT_EQ(describe(silent), "not known (it did not answer)");
}

}  // namespace
}  // namespace fluxmetrics::instance
