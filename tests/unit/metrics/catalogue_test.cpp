#include "metrics/catalogue.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "metrics/prometheus.hpp"
#include "metrics/reference.hpp"
#include "support/capture_state.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

using support::InstanceBuilder;

class Evaluated {
 public:
  explicit Evaluated(const instance::InstanceState& state, bool pods = true)
      : demand_(sizing::compute_demand(state, {}, from_unix(1.8e9))),
        families_(
            built_in()->evaluate({.state = state, .demand = demand_, .wanted = 7, .ranks_are_pods = pods})) {}

  [[nodiscard]] const Family& family(std::string_view name) const {
    const auto found = std::ranges::find_if(
        families_, [&](const Family& family) { return family.description->name == name; });
    if (found == families_.end()) throw std::runtime_error("no metric " + std::string(name));
    return *found;
  }
  [[nodiscard]] double value(std::string_view name) const {
    const auto& items = family(name).items;
    if (items.size() != 1) throw std::runtime_error(std::string(name) + " has not one item");
    return items.front().value;
  }
  // By the values of the labels, joined with a slash.
  [[nodiscard]] std::map<std::string, double> items(std::string_view name) const {
    std::map<std::string, double> made;
    for (const auto& item : family(name).items) {
      std::string key;
      for (const auto& [label, text] : item.labels)
        key += (label == item.labels.front().first ? "" : "/") + text;
      made.emplace(key, item.value);
    }
    return made;
  }
  [[nodiscard]] const std::vector<Family>& families() const { return families_; }

 private:
  sizing::Demand demand_;
  std::vector<Family> families_;
};

Evaluated captured(const std::string& name) {
  return Evaluated(support::captured_state(name));
}

std::set<std::string_view> missing_of(const Evaluated& evaluated, Code code) {
  std::set<std::string_view> names;
  for (const auto& family : evaluated.families())
    if (family.missing && family.missing->code == code) names.insert(family.description->name);
  return names;
}

TEST(Catalogue, MakesNoZeroOfJobsThatNobodyTells) {
  instance::InstanceState state = InstanceBuilder(6).online("0-3");
  state.jobs_unknown = "guests see no jobs";
  state.scheduler.kind = instance::Scheduler::Kind::simple;
  const Evaluated evaluated(state);
  for (const auto& family : evaluated.families()) {
    const bool of_jobs = family.description->name.starts_with("job_") ||
                         family.description->name.find("demand") != std::string_view::npos ||
                         family.description->name.find("wanted") != std::string_view::npos ||
                         family.description->name == "node_shortage_count" ||
                         family.description->name == "queue_backlog_seconds" ||
                         family.description->name == "node_arrival_seconds";
    EXPECT_EQ(family.missing.has_value(), of_jobs) << family.description->name;
    if (family.missing) {
      EXPECT_EQ(family.missing->message, "guests see no jobs");
    }
  }
}

TEST(Catalogue, MakesNoZeroOfAllocationsThatNobodyTells) {
  instance::InstanceState state = InstanceBuilder(6).online("0-3");
  state.allocated_unknown = "no scheduler";
  const auto missing = missing_of(Evaluated(state), Code::unavailable);
  for (const auto* name :
       {"node_allocated_count", "node_free_count", "node_idle_count", "node_cores_free_count",
        "node_gpus_allocated_count", "node_safe_min_count", "node_wanted_count"})
    EXPECT_TRUE(missing.contains(name)) << name;
  for (const auto* name :
       {"node_up_count", "node_total_count", "node_gpus_up_count", "job_count", "node_demand_count"})
    EXPECT_FALSE(missing.contains(name)) << name;
}

TEST(Catalogue, CountsFinishedJobsThroughPurges) {
  instance::InstanceState state = InstanceBuilder(2).online("0-1");
  state.stats.all.states.inactive = 5;
  EXPECT_EQ(Evaluated(state).value("job_finished_total"), 5);
  state.stats.all.states.inactive = 2;
  state.stats.all.inactive_purged = 3;
  EXPECT_EQ(Evaluated(state).value("job_finished_total"), 5);
}

TEST(Catalogue, CountsFinishedJobsOfRemovedQueuesUnderNoQueue) {
  instance::InstanceState state = InstanceBuilder(2).online("0-1");
  state.queues.resize(1);
  state.queues[0].name = "batch";
  state.stats.all.states.inactive = 5;
  state.stats.queues.resize(2);
  state.stats.queues[0].name = "batch";
  state.stats.queues[1].name = "removed";
  state.stats.queues[0].states.inactive = 3;
  state.stats.queues[1].states.inactive = 2;
  EXPECT_EQ(Evaluated(state).items("job_finished_total"),
            (std::map<std::string, double>{{"batch", 3}, {"", 2}}));
}

TEST(Catalogue, HasTheAgreedNames) {
  const std::set<std::string_view> agreed{"node_up_count",
                                          "node_free_count",
                                          "node_cores_up_count",
                                          "node_cores_free_count",
                                          "job_queue_state_new_count",
                                          "job_queue_state_depend_count",
                                          "job_queue_state_priority_count",
                                          "job_queue_state_sched_count",
                                          "job_queue_state_run_count",
                                          "job_queue_state_cleanup_count",
                                          "job_queue_state_inactive_count",
                                          "job_finished_total",
                                          "node_total_count",
                                          "node_down_count",
                                          "node_drained_count",
                                          "node_draining_count",
                                          "node_allocated_count",
                                          "node_idle_count",
                                          "node_cores_total_count",
                                          "node_cores_allocated_count",
                                          "node_gpus_total_count",
                                          "node_gpus_up_count",
                                          "node_gpus_free_count",
                                          "node_gpus_allocated_count",
                                          "job_count",
                                          "job_pending_count",
                                          "job_running_count",
                                          "job_eligible_count",
                                          "node_demand_count",
                                          "core_demand_count",
                                          "gpu_demand_count",
                                          "node_shortage_count",
                                          "node_safe_min_count",
                                          "node_wanted_all_count",
                                          "node_wanted_count",
                                          "job_unsatisfiable_count",
                                          "job_shape_unknown_count",
                                          "job_successful_count",
                                          "job_failed_count",
                                          "job_canceled_count",
                                          "job_timeout_count",
                                          "node_utilization_ratio",
                                          "core_utilization_ratio",
                                          "job_wait_oldest_seconds",
                                          "queue_backlog_seconds",
                                          "scheduler_info",
                                          "job_denied_count",
                                          "job_unlimited_count",
                                          "job_largest_nodes_count",
                                          "job_largest_cores_count",
                                          "job_finished_per_second",
                                          "node_arrival_seconds"};
  std::set<std::string_view> names;
  for (const auto& description : *built_in())
    names.insert(description.name);
  EXPECT_EQ(names, agreed);
  EXPECT_EQ(built_in()->size(), agreed.size());
}

TEST(Catalogue, IsSortedAndFoundByName) {
  EXPECT_TRUE(std::ranges::is_sorted(*built_in(), {}, &Description::name));
  for (const auto& description : *built_in())
    EXPECT_EQ(built_in()->find(description.name), &description);
  EXPECT_EQ(built_in()->find("node_up_coun"), nullptr);
  EXPECT_EQ(built_in()->find(""), nullptr);
}

TEST(Catalogue, DescribesEveryMetric) {
  for (const auto& description : *built_in()) {
    EXPECT_FALSE(description.unit.empty()) << description.name;
    EXPECT_FALSE(description.source.empty()) << description.name;
    EXPECT_TRUE(description.help.ends_with(".")) << description.name;
    EXPECT_EQ(description.labels.empty(), description.aggregation == Aggregation::single) << description.name;
  }
}

TEST(Catalogue, EvaluatesEachDescriptionInItsOrder) {
  const auto all = captured("02-mixed");
  ASSERT_EQ(all.families().size(), built_in()->size());
  for (std::size_t i = 0; i < built_in()->size(); ++i) {
    const auto& family = all.families()[i];
    EXPECT_EQ(family.description, &(*built_in())[i]);
    EXPECT_EQ(family.missing.has_value(), family.items.empty()) << family.description->name;
    for (const auto& item : family.items) {
      ASSERT_EQ(item.labels.size(), family.description->labels.size());
      for (std::size_t k = 0; k < item.labels.size(); ++k)
        EXPECT_EQ(item.labels[k].first, family.description->labels[k]);
    }
  }
}

std::string page(const std::string& name) {
  std::ifstream in(std::filesystem::path(TEST_DATA) / ".." / ".." / "docs" / name);
  return {std::istreambuf_iterator<char>(in), {}};
}

// `flux-metrics-api get --catalogue -o markdown` prints these tables.
TEST(Catalogue, StandsInTheDocumentation) {
  EXPECT_NE(page("metrics.md").find(catalogue_table()), std::string::npos) << catalogue_table();
  EXPECT_NE(page("prometheus.md").find(exposed_table(instance_families())), std::string::npos)
      << exposed_table(instance_families());
}

TEST(NodeMetrics, CountWhatRunsInTheMixedCapture) {
  const auto mixed = captured("02-mixed");
  EXPECT_EQ(mixed.value("node_total_count"), 4);
  EXPECT_EQ(mixed.value("node_up_count"), 4);
  EXPECT_EQ(mixed.value("node_down_count"), 0);
  EXPECT_EQ(mixed.value("node_allocated_count"), 4);
  EXPECT_EQ(mixed.value("node_free_count"), 4);
  EXPECT_EQ(mixed.value("node_idle_count"), 0);
  EXPECT_EQ(mixed.value("node_cores_total_count"), 32);
  EXPECT_EQ(mixed.value("node_cores_allocated_count"), 13);
  EXPECT_EQ(mixed.value("node_cores_free_count"), 19);
  EXPECT_EQ(mixed.value("node_gpus_total_count"), 8);
  EXPECT_EQ(mixed.value("node_gpus_allocated_count"), 1);
  EXPECT_EQ(mixed.value("node_gpus_free_count"), 7);
}

TEST(NodeMetrics, CountNodesThatAreDownAndBusyOnBothSides) {
  const auto drained = captured("03-drained");
  EXPECT_EQ(drained.value("node_up_count"), 2);
  EXPECT_EQ(drained.value("node_down_count"), 2);
  EXPECT_EQ(drained.value("node_drained_count"), 2);
  EXPECT_EQ(drained.value("node_allocated_count"), 4);
  EXPECT_EQ(drained.value("node_cores_up_count"), 16);
  EXPECT_EQ(drained.value("node_cores_allocated_count"), 13);
  EXPECT_EQ(drained.value("node_cores_free_count"), 8) << "not 16 - 13: only ranks 0 and 2 are up";
  EXPECT_EQ(drained.value("node_gpus_up_count"), 4);
  EXPECT_EQ(drained.value("node_gpus_free_count"), 4);
}

TEST(NodeMetrics, LeaveExcludedNodesOutOfTheTotal) {
  const auto state = captured("20-exclude-torpid");
  EXPECT_EQ(state.value("node_total_count"), 3);
  EXPECT_EQ(state.value("node_down_count"), 1) << "torpid";
  EXPECT_EQ(state.value("node_up_count"), 2);
  EXPECT_EQ(state.value("node_idle_count"), 2);
  EXPECT_EQ(state.value("node_cores_total_count"), 24);
}

TEST(NodeMetrics, CountNodesThatAreNotBornAsDown) {
  const auto state = captured("06-minicluster-4of6");
  EXPECT_EQ(state.value("node_total_count"), 6);
  EXPECT_EQ(state.value("node_up_count"), 4);
  EXPECT_EQ(state.value("node_down_count"), 2);
  EXPECT_EQ(state.value("node_gpus_total_count"), 0);
}

TEST(NodeMetrics, CountWhatAJobHoldsOnALostNode) {
  const auto state = captured("10-minicluster-lost-subinstance");
  EXPECT_EQ(state.value("node_up_count"), 5);
  EXPECT_EQ(state.value("node_allocated_count"), 3);
  EXPECT_EQ(state.value("node_cores_allocated_count"), 17);
  EXPECT_EQ(state.value("node_cores_free_count"), 40 - 9);
  EXPECT_EQ(state.value("node_free_count"), 4) << "rank 2 is up and full";
}

TEST(NodeMetrics, CountTheDrainedNodeThatIsOfflineOnce) {
  const auto state = captured("09-minicluster-drained-offline");
  EXPECT_EQ(state.value("node_drained_count"), 1);
  EXPECT_EQ(state.value("node_down_count"), 1);
}

TEST(JobMetrics, AreWhatJobStatsSays) {
  const auto mixed = captured("02-mixed");
  EXPECT_EQ(mixed.value("job_queue_state_new_count"), 0);
  EXPECT_EQ(mixed.value("job_queue_state_sched_count"), 5);
  EXPECT_EQ(mixed.value("job_queue_state_run_count"), 3);
  EXPECT_EQ(mixed.value("job_queue_state_cleanup_count"), 0);
  EXPECT_EQ(mixed.value("job_queue_state_inactive_count"), 10);
  EXPECT_EQ(mixed.value("job_pending_count"), 5);
  EXPECT_EQ(mixed.value("job_running_count"), 3);
  const auto sizes = captured("15-sizes");
  EXPECT_EQ(sizes.value("job_queue_state_depend_count"), 1);
  EXPECT_EQ(sizes.value("job_queue_state_priority_count"), 0);
  EXPECT_EQ(sizes.value("job_pending_count"), 11);
  EXPECT_EQ(sizes.items("job_eligible_count"), (std::map<std::string, double>{{"batch", 7}, {"debug", 1}}))
      << "of ten in SCHED one is held, and one never fits";
  EXPECT_EQ(mixed.items("job_eligible_count"), (std::map<std::string, double>{{"batch", 3}, {"debug", 1}}));
}

TEST(JobMetrics, HaveAnItemForEachQueueAndState) {
  const auto items = captured("02-mixed").items("job_count");
  const std::map<std::string, double> expected{
      {"batch/depend", 0}, {"batch/priority", 0}, {"batch/sched", 3}, {"batch/run", 2}, {"batch/cleanup", 0},
      {"debug/depend", 0}, {"debug/priority", 0}, {"debug/sched", 2}, {"debug/run", 1}, {"debug/cleanup", 0}};
  EXPECT_EQ(items, expected);
}

TEST(JobMetrics, HaveOneQueueWithoutANameWhenNoneIsConfigured) {
  const auto items = captured("10-minicluster-lost-subinstance").items("job_count");
  EXPECT_EQ(items.size(), 5U);
  EXPECT_EQ(
      captured("10-minicluster-lost-subinstance").family("job_count").items.front().labels.front().second,
      "");
  double sum = 0;
  for (const auto& [key, value] : items)
    sum += value;
  EXPECT_EQ(sum, 2);
  const auto demand = captured("10-minicluster-lost-subinstance").items("node_demand_count");
  ASSERT_EQ(demand.size(), 1U);
  EXPECT_EQ(demand.begin()->second, 3);
}

TEST(JobMetrics, TakeTheJobStatsForTheCountsNotTheList) {
  instance::InstanceState state = InstanceBuilder(4).pending(support::slots(1), 3);
  state.stats.all.states.sched = 2000;
  const Evaluated all(state);
  EXPECT_EQ(all.value("job_queue_state_sched_count"), 2000);
  EXPECT_EQ(all.items("job_count").at("/sched"), 2000);
  EXPECT_EQ(all.value("job_eligible_count"), 3);
}

TEST(JobMetrics, CountWhatBecameOfJobsByQueue) {
  const auto mixed = captured("02-mixed");
  double ended = 0;
  for (const auto* name :
       {"job_successful_count", "job_failed_count", "job_canceled_count", "job_timeout_count"}) {
    ASSERT_EQ(mixed.items(name).size(), 2U) << name;
    for (const auto& [queue, value] : mixed.items(name))
      ended += value;
  }
  EXPECT_EQ(ended, mixed.value("job_queue_state_inactive_count"));
}

TEST(NodeMetrics, GiveNoRatioOfNothing) {
  const auto mixed = captured("02-mixed");
  EXPECT_DOUBLE_EQ(mixed.value("node_utilization_ratio"), 1);
  EXPECT_DOUBLE_EQ(mixed.value("core_utilization_ratio"), 13.0 / 32);
  const auto drained = captured("03-drained");
  EXPECT_DOUBLE_EQ(drained.value("core_utilization_ratio"), 0.5) << "8 of 16 on the nodes that are up";
  const Evaluated dark{InstanceBuilder(4)};
  for (const auto* name : {"node_utilization_ratio", "core_utilization_ratio"})
    EXPECT_EQ(dark.family(name).missing->code, Code::unavailable) << name;
}

TEST(QueueMetrics, TellWhatWaits) {
  InstanceBuilder made(4);
  made.online("0-3").queue("batch", "0-1").queue("debug", "2-3");
  made.pending(support::whole_nodes(2), 2, 0);
  made.last_job().duration = 60;
  made.last_job().t_sched = 1.8e9 - 30;
  const instance::InstanceState state = made;
  const auto demand = sizing::compute_demand(state, {}, from_unix(1.8e9));
  const auto facts = count_facts(state, demand);
  const auto families = std::make_shared<const std::vector<Family>>(
      built_in()->evaluate({.state = state, .demand = demand, .now = from_unix(1.8e9)}, facts));
  const auto find = [](const Families& all, std::string_view name) {
    return std::ranges::find_if(*all, [&](const auto& family) { return family.description->name == name; })
        ->items;
  };
  EXPECT_EQ(find(families, "job_wait_oldest_seconds")[0].value, 30);
  EXPECT_EQ(find(families, "job_wait_oldest_seconds")[1].value, 0);
  EXPECT_EQ(find(families, "queue_backlog_seconds")[0].value, 60);
  EXPECT_EQ(find(families, "job_unlimited_count")[0].value, 1);
  EXPECT_EQ(find(families, "job_largest_nodes_count")[0].value, 2);
  EXPECT_EQ(find(families, "job_largest_cores_count")[0].value, 16);
  // Time alone moves the wait, and nothing else.
  const auto same =
      built_in()->at_time(families, {.state = state, .demand = demand, .now = from_unix(1.8e9)}, facts);
  EXPECT_EQ(same, families);
  const auto later =
      built_in()->at_time(families, {.state = state, .demand = demand, .now = from_unix(1.8e9 + 5)}, facts);
  EXPECT_NE(later, families);
  EXPECT_EQ(find(later, "job_wait_oldest_seconds")[0].value, 35);
  EXPECT_EQ(find(later, "queue_backlog_seconds")[0].value, 60);
}

TEST(Facts, PutEachNodeIntoOneState) {
  InstanceBuilder made(8);
  made.online("1-7").exclude("1").torpid("2").drain("3-4").use("3,5", "0").use("0", "0");
  const auto facts = count_facts(made, {});
  const decltype(facts.partition) expected{1, 1, 1, 1, 1, 1, 2};
  EXPECT_EQ(facts.partition, expected);
  EXPECT_EQ(facts.nodes.amount_down_used.cores, 2U) << "ranks 0 and 3";
}

TEST(SizingMetrics, AreTheDemandOfTheCapture) {
  const auto sizes = captured("15-sizes");
  EXPECT_EQ(sizes.value("node_safe_min_count"), 4);
  EXPECT_EQ(sizes.value("node_wanted_all_count"), 4);
  EXPECT_EQ(sizes.value("node_shortage_count"), 0);
  EXPECT_EQ(sizes.value("node_wanted_count"), 7) << "as it is handed in";
  EXPECT_EQ(sizes.value("job_unsatisfiable_count"), 1);
  EXPECT_EQ(sizes.value("job_shape_unknown_count"), 0);
  EXPECT_EQ(sizes.items("node_demand_count").at("debug"), 2);
  EXPECT_EQ(sizes.items("gpu_demand_count").at("debug"), 7);
  EXPECT_EQ(sizes.items("core_demand_count").size(), 2U);
}

TEST(SizingMetrics, GiveNoNumberOfPodsForASubInstance) {
  instance::InstanceState state = support::captured_state("11-subinstance-lost-rank");
  state.level = 1;
  const Evaluated all(state, false);
  for (const auto* name :
       {"node_safe_min_count", "node_wanted_all_count", "node_wanted_count", "node_shortage_count"}) {
    const auto& family = all.family(name);
    ASSERT_TRUE(family.missing) << name;
    EXPECT_EQ(family.missing->code, Code::not_found) << name;
    EXPECT_NE(family.missing->message.find("not pod"), std::string::npos) << family.missing->message;
  }
  EXPECT_FALSE(all.family("node_demand_count").missing);
  EXPECT_FALSE(all.family("job_unsatisfiable_count").missing);
}

TEST(SizingMetrics, GiveNoGpuDemandWhileAShapeIsUnknown) {
  InstanceBuilder made(4);
  made.pending(flux::shape_from_counts(2, 6));
  const auto missing = Evaluated(made).family("gpu_demand_count").missing;
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->code, Code::unavailable);
  InstanceBuilder without(4, "0-7", "");
  without.pending(flux::shape_from_counts(2, 6));
  EXPECT_EQ(Evaluated(without).value("gpu_demand_count"), 0) << "no gpus, so nothing is unknown";
}

}  // namespace
}  // namespace fluxmetrics::metrics
