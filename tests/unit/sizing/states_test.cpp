// The states whose sizes are agreed in words: one instance of 6 ranks (8 cores, 2 gpus each), ranks 0-3
// online, unless a state says otherwise.
#include <functional>
#include <gtest/gtest.h>
#include <ostream>
#include <string>

#include "sizing/demand.hpp"
#include "support/capture_state.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::sizing {
namespace {

using flux::JobState;
using instance::InstanceState;
using support::InstanceBuilder;
using support::nodes;
using support::slots;
using support::whole_nodes;

struct Expected {
  std::uint32_t safe_min;
  std::uint32_t wanted_all;
  std::uint32_t shortage;
  std::uint64_t demand;
  std::uint64_t unsatisfiable;
};

struct State {
  std::string name;
  std::function<InstanceState()> make;
  Expected expected;
  std::optional<std::uint32_t> max_replicas = std::nullopt;
};
std::ostream& operator<<(std::ostream& out, const State& state) {
  return out << state.name;
}

InstanceBuilder idle(std::uint32_t size = 6) {
  InstanceBuilder made(size);
  made.online("0-3");
  return made;
}
// One core runs on rank 3.
InstanceBuilder busy3(std::uint32_t size = 6) {
  InstanceBuilder made = idle(size);
  made.use("3", "0").running(nodes(1, 1), 1, 1);
  return made;
}
InstanceBuilder queue_on_2_3() {
  InstanceBuilder made = idle();
  made.queue("q", "2-3");
  return made;
}
InstanceState held() {
  InstanceBuilder made = idle();
  made.pending(whole_nodes(6)).last_job().priority = 0;
  return made;
}
InstanceState dependent() {
  InstanceBuilder made = idle();
  made.pending(whole_nodes(6)).last_job().state = JobState::depend;
  return made;
}
InstanceState gpus_busy() {
  InstanceBuilder made(64);
  made.resources({{.ranks = support::ids("0-1"), .cores = support::ids("0-7"), .gpus = support::ids("0-1")},
                  {.ranks = support::ids("2-63"), .cores = support::ids("0-7"), .gpus = {}}});
  made.online("0-3").use("0-1", "0", "0-1").running(nodes(2, 1, 1, 2), 2, 2).pending(nodes(2, 1, 1, 2));
  return made;
}

const std::vector<State>& states() {
  static const std::vector<State> all{
      {"s01_no_jobs", [] { return idle(); }, {1, 1, 0, 0, 0}},
      {"s02_one_core_on_rank_3", [] { return busy3(); }, {4, 4, 0, 1, 0}},
      {"s03_four_shared_nodes_wait", [] { return busy3().pending(nodes(4, 1)); }, {4, 4, 0, 4, 0}},
      {"s04_four_whole_nodes_wait", [] { return busy3().pending(whole_nodes(4)); }, {4, 5, 1, 5, 0}},
      {"s05_size_4_waits_for_rank_3", [] { return busy3(4).pending(whole_nodes(4)); }, {4, 4, 0, 5, 0}},
      {"s06_rank_1_drained_by_an_admin",
       [] { return busy3().drain("1").pending(whole_nodes(4)); },
       {4, 6, 2, 5, 0}},
      {"s07_five_nodes_with_two_drained",
       [] { return busy3().drain("1-2").pending(whole_nodes(5)); },
       {4, 4, 0, 6, 1}},
      {"s08_drained_while_busy", [] { return busy3().drain("3").pending(whole_nodes(1)); }, {4, 4, 0, 2, 0}},
      {"s09_capture_lost_rank_of_a_batch_job",
       [] { return support::captured_state("10-minicluster-lost-subinstance"); },
       {3, 3, 0, 3, 0}},
      {"s10_cleanup",
       [] { return idle().use("3", "0").running(nodes(1, 1), 1, 1, 0, JobState::cleanup); },
       {4, 4, 0, 1, 0}},
      {"s10_housekeeping", [] { return idle().use("3", "0"); }, {4, 4, 0, 0, 0}},
      {"s11_held", held, {1, 1, 0, 0, 0}},
      {"s11_dependent", dependent, {1, 1, 0, 0, 0}},
      {"s11_stopped_queue", [] { return idle().pending(whole_nodes(6)).stop_queue(); }, {1, 1, 0, 0, 0}},
      {"s11_disabled_queue", [] { return idle().pending(whole_nodes(6)).disable_queue(); }, {1, 6, 2, 6, 0}},
      {"s12_twenty_slots", [] { return idle().pending(slots(20)); }, {1, 3, 0, 3, 0}},
      {"s12_four_cores_in_use",
       [] { return idle().use("0", "0-3").running(nodes(1, 4), 1, 4).pending(slots(20)); },
       {1, 3, 0, 3, 0}},
      {"s13_three_wide_slots", [] { return idle().pending(slots(3, 5)); }, {1, 3, 0, 3, 0}},
      {"s13_two_jobs_of_them", [] { return idle().pending(slots(3, 5), 2); }, {1, 6, 2, 6, 0}},
      {"s14_three_gpus", [] { return idle().pending(slots(3, 1, 1)); }, {1, 2, 0, 2, 0}},
      {"s15_queue_on_2_3", [] { return queue_on_2_3().pending(whole_nodes(1)); }, {1, 3, 0, 1, 0}},
      {"s16_queue_on_2_3_and_3_busy",
       [] { return queue_on_2_3().use("3", "0").running(nodes(1, 1), 1, 1).pending(whole_nodes(2)); },
       {4, 4, 0, 3, 0}},
      {"s17_drained_by_us",
       [] { return idle().drain("4-5", "flux-metrics-api: scale-down").pending(whole_nodes(6)); },
       {1, 6, 2, 6, 0}},
      {"s17_drained_by_an_admin",
       [] { return idle().drain("4-5").pending(whole_nodes(6)); },
       {1, 1, 0, 6, 1}},
      {"s18_size_64", [] { return idle(64).pending(whole_nodes(10)); }, {1, 10, 6, 10, 0}},
      {"s18_max_replicas_4", [] { return idle(64).pending(whole_nodes(10)); }, {1, 1, 0, 10, 1}, 4},
      {"s19_ten_single_nodes_max_replicas_4",
       [] { return idle(64).pending(whole_nodes(1), 10); },
       {1, 4, 0, 10, 0},
       4},
      {"s20_leader_excluded", [] { return idle().exclude("0").pending(whole_nodes(2)); }, {1, 3, 0, 2, 0}},
      {"s21_torpid", [] { return idle().torpid("2").pending(whole_nodes(4)); }, {1, 5, 1, 4, 0}},
      {"s22_hole", [] { return idle().online("0,2-3").pending(whole_nodes(4)); }, {1, 4, 1, 4, 0}},
      {"s23_gpus_busy", gpus_busy, {2, 2, 0, 4, 0}},
      {"s24_job_above_max_replicas",
       [] { return idle().online("0-5").use("5", "0").running(nodes(1, 1), 1, 1); },
       {6, 6, 0, 1, 0},
       4},
      {"s25_capture_sizes", [] { return support::captured_state("15-sizes"); }, {4, 4, 0, 17, 1}},
  };
  return all;
}

class States : public testing::TestWithParam<State> {};

TEST_P(States, HasTheAgreedSizes) {
  const auto& param = GetParam();
  SizePolicy policy;
  policy.max_replicas = param.max_replicas;
  const auto state = param.make();
  const auto demand = compute_demand(state, policy, from_unix(1.8e9));
  std::uint64_t sum = 0;
  for (const auto& queue : demand.queues)
    sum += queue.nodes;
  EXPECT_EQ(demand.safe_min, param.expected.safe_min) << "node_safe_min_count";
  EXPECT_EQ(demand.wanted_all, param.expected.wanted_all) << "node_wanted_all_count";
  EXPECT_EQ(demand.shortage, param.expected.shortage) << "node_shortage_count";
  EXPECT_EQ(sum, param.expected.demand) << "node_demand_count";
  EXPECT_EQ(demand.unsatisfiable, param.expected.unsatisfiable) << "job_unsatisfiable_count";
  EXPECT_EQ(demand.queues.size(), state.queues.size());
}

INSTANTIATE_TEST_SUITE_P(Table, States, testing::ValuesIn(states()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace fluxmetrics::sizing
