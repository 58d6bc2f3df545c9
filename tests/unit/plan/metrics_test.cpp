// The metrics that a plan's model knows: of a small world counted by hand, and of random ones against the
// catalogue that the server answers with.
#include "plan/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>

#include "metrics/catalogue.hpp"
#include "plan/latencies.hpp"
#include "plan/observer.hpp"
#include "plan/strategy.hpp"

namespace fluxmetrics::plan {
namespace {

// Jobs on ranks, as a run leaves them, but set by hand.
class World {
 public:
  World(std::uint32_t ranks, std::uint32_t cores, std::vector<PlanJob> jobs)
      : jobs_(std::move(jobs)), ranks_(ranks, cores), demand_(jobs_, cores, ranks, {}), held_(jobs_.size()) {}

  void up(std::uint32_t first, std::uint32_t last) {
    for (auto rank = first; rank <= last; ++rank)
      ranks_.set_up(rank, true);
  }
  void drain(std::uint32_t rank) { ranks_.set_drained(rank, true); }
  // All jobs in their order, at `now`: those that fit run, from the first that does not on they wait.
  void submit_all(double now) {
    bool waits = false;
    for (std::uint32_t job = 0; job < jobs_.size(); ++job) {
      demand_.queued(job, now);
      if (waits) continue;
      held_[job] = ranks_.place(jobs_[job]);
      waits = held_[job].empty();
      if (!waits) demand_.started(job, now + jobs_[job].duration);
    }
  }
  // The job is killed, and its ranks but the first are still being cleaned up.
  void kill(std::uint32_t job) {
    demand_.stopped(job);
    ranks_.release({held_[job].front()});
    cleaning_.emplace_back(held_[job].begin() + 1, held_[job].end());
    ++over_;
  }

  [[nodiscard]] PlanMoment at(double now) const {
    return {.now = now,
            .min = 2,
            .wanted = 7,
            .over = over_,
            .cleaning = cleaning_,
            .ranks = ranks_,
            .demand = demand_,
            .jobs = jobs_,
            .nodes_held = [this](std::uint32_t job) { return held_[job].size(); }};
  }

 private:
  std::vector<PlanJob> jobs_;
  PlanRanks ranks_;
  PlanDemand demand_;
  std::vector<RankShares> held_;
  std::vector<RankShares> cleaning_;
  std::uint64_t over_ = 0;
};

PlanJob whole_job(std::uint32_t nodes, double duration) {
  return {.duration = duration, .nodes = nodes, .slots = 1, .cores = 1, .whole = true};
}
PlanJob slots_job(std::uint32_t slots, std::uint32_t cores) {
  return {.duration = 100, .slots = slots, .cores = cores};
}

std::optional<double> value_of(const World& world, double now, std::string_view name,
                               const std::string& selector = "",
                               const std::vector<std::string>& queues = {}) {
  const auto moment = world.at(now);
  PlanFacts facts(moment);
  const auto metric = find_plan_metric(name, selector, queues);
  EXPECT_TRUE(metric) << name << ": " << (metric ? "" : metric.error().message);
  return metric ? metric->value(facts) : std::nullopt;
}

std::string refusal_of(std::string_view name, const std::string& selector,
                       const std::vector<std::string>& queues = {}) {
  const auto metric = find_plan_metric(name, selector, queues);
  return metric ? "" : metric.error().message;
}

// Ten ranks of eight cores, 0 to 4 up. A job on 0 and 1 whole, one of 3 cores on 2; of the queue 4 nodes come
// first, then 2 slots of 4 cores.
World small_world() {
  World world(10, 8, {whole_job(2, 60), slots_job(3, 1), whole_job(4, 30), slots_job(2, 4)});
  world.up(0, 4);
  world.submit_all(100);
  return world;
}

TEST(PlanMetrics, AreThoseOfASmallWorld) {
  const auto world = small_world();
  const std::map<std::string, double> known{
      {"core_demand_count", 16 + 3 + 32 + 8},
      {"core_utilization_ratio", 19.0 / 40},
      {"job_count", 4},
      {"job_eligible_count", 2},
      {"job_finished_total", 0},
      {"job_largest_cores_count", 32},
      {"job_largest_nodes_count", 4},
      {"job_pending_count", 2},
      {"job_queue_state_cleanup_count", 0},
      {"job_queue_state_inactive_count", 0},
      {"job_queue_state_run_count", 2},
      {"job_queue_state_sched_count", 2},
      {"job_running_count", 2},
      {"job_wait_oldest_seconds", 30},
      {"node_allocated_count", 3},
      {"node_cores_allocated_count", 19},
      {"node_cores_free_count", 21},
      {"node_cores_total_count", 80},
      {"node_cores_up_count", 40},
      {"node_demand_count", 2 + 4 + 2},  // 3 + 4 cores share a node
      {"node_down_count", 5},
      {"node_free_count", 3},
      {"node_idle_count", 2},
      {"node_safe_min_count", 3},
      {"node_shortage_count", 3},  // four nodes from rank 3 on are 3 to 6, and the slots fit on 2 and 7
      {"node_total_count", 10},
      {"node_up_count", 5},
      {"node_utilization_ratio", 3.0 / 5},
      {"node_wanted_all_count", 8},
      {"node_wanted_count", 7},
      {"queue_backlog_seconds", ((32 * 30) + (8 * 100)) / 40.0},
  };
  std::vector<std::string_view> names;
  for (const auto& [name, value] : known) {
    names.push_back(name);
    EXPECT_EQ(value_of(world, 130, name), value) << name;
  }
  EXPECT_EQ(names, plan_metric_names());
}

TEST(PlanMetrics, CountKilledJobsUntilTheyHoldNothing) {
  auto world = small_world();
  world.kill(0);
  EXPECT_EQ(value_of(world, 130, "job_running_count"), 2);
  EXPECT_EQ(value_of(world, 130, "job_queue_state_cleanup_count"), 1);
  EXPECT_EQ(value_of(world, 130, "job_finished_total"), 0);
  EXPECT_EQ(value_of(world, 130, "job_count", "state=cleanup"), 1);
  EXPECT_EQ(value_of(world, 130, "node_allocated_count"), 2);
}

TEST(PlanMetrics, HaveNoValueWithoutANode) {
  const World world(4, 8, {});
  EXPECT_EQ(value_of(world, 0, "core_utilization_ratio"), std::nullopt);
  EXPECT_EQ(value_of(world, 0, "node_utilization_ratio"), std::nullopt);
  EXPECT_EQ(value_of(world, 0, "queue_backlog_seconds"), 0);
  World waiting(4, 8, {whole_job(1, 30)});
  waiting.submit_all(0);
  EXPECT_EQ(value_of(waiting, 0, "queue_backlog_seconds"), std::nullopt) << "it would never end";
}

TEST(PlanMetrics, ASelectorChoosesItems) {
  const auto world = small_world();
  EXPECT_EQ(value_of(world, 130, "job_count", "state=sched"), 2);
  EXPECT_EQ(value_of(world, 130, "job_count", "state in (run,cleanup)"), 2);
  EXPECT_EQ(value_of(world, 130, "job_eligible_count", "queue=default"), 2) << "the jobs name no queue";
  EXPECT_EQ(value_of(world, 130, "job_eligible_count", "queue="), 2);
  EXPECT_EQ(value_of(world, 130, "job_eligible_count", "queue=batch", {"batch"}), 2);
  EXPECT_EQ(value_of(world, 130, "job_eligible_count", "queue in (batch,debug)", {"batch", "debug"}), 2);
  EXPECT_EQ(value_of(world, 130, "job_eligible_count", "", {"batch", "debug"}), 2);
  EXPECT_EQ(refusal_of("job_eligible_count", "queue=debug", {"batch"}),
            "its selector queue=debug leaves nothing: the jobs are in batch");
  EXPECT_EQ(
      refusal_of("job_eligible_count", "queue=debug", {"batch", "debug"}),
      "its selector queue=debug chooses among the queues batch, debug of the jobs, which plan plays as one");
  EXPECT_EQ(refusal_of("job_count", "state=depend"),
            "its selector state=depend leaves nothing: plan has the states sched, run, cleanup");
  EXPECT_EQ(refusal_of("node_up_count", "queue=default"), "it has no labels to select by");
  EXPECT_EQ(refusal_of("job_eligible_count", "state=run"), "it has no label 'state', only queue");
  EXPECT_EQ(refusal_of("job_denied_count", ""), "plan does not know it");
}

// What the server would answer of the same world; of several items their sum, or the largest.
std::map<std::string, std::optional<double>> answers(const PlanMoment& moment) {
  const auto state = to_state(moment);
  sizing::SizePolicy policy;
  policy.min_replicas = moment.min;
  const auto now = from_unix(plan_epoch + moment.now);
  const auto demand = sizing::compute_demand(state, policy, now);
  std::map<std::string, std::optional<double>> values;
  for (const auto& family : metrics::built_in()->evaluate(
           {.state = state, .demand = demand, .wanted = moment.wanted, .now = now})) {
    auto& value = values[std::string(family.description->name)];
    if (family.missing) continue;
    value = 0;
    const bool largest = family.description->aggregation == metrics::Aggregation::max;
    for (const auto& item : family.items)
      value = largest ? std::max(*value, item.value) : *value + item.value;
    if (!std::isfinite(*value)) value.reset();  // no quantity can say it, so the answer is 503
  }
  return values;
}

// Those that the catalogue takes from Flux's own counts of jobs, which to_state() leaves out.
bool from_job_stats(std::string_view name) {
  return name == "job_count" || name == "job_finished_total" || name == "job_pending_count" ||
         name == "job_running_count" || name.starts_with("job_queue_state_");
}

TEST(PlanMetrics, AreWhatTheServerAnswers) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    PlanRandom random(seed);
    const auto below = [&](std::uint32_t end) { return static_cast<std::uint32_t>(random.unit() * end); };
    std::vector<PlanJob> jobs;
    for (auto count = below(20); count > 0; --count)
      jobs.push_back(random.unit() < 0.5 ? whole_job(1 + below(5), 1 + below(200))
                                         : slots_job(1 + below(9), 1 + below(8)));
    World world(12, 8, std::move(jobs));
    const auto up = below(13);
    if (up > 0) world.up(0, up - 1);
    for (auto drains = below(3); drains > 0; --drains)
      world.drain(below(12));
    world.submit_all(50);
    const auto moment = world.at(50 + random.unit() * 100);
    const auto expected = answers(moment);
    PlanFacts facts(moment);
    for (const auto name : plan_metric_names()) {
      ASSERT_TRUE(expected.contains(std::string(name))) << name << " is no metric of the catalogue";
      if (from_job_stats(name)) continue;
      const auto value = find_plan_metric(name)->value(facts);
      const auto& answer = expected.at(std::string(name));
      ASSERT_EQ(value.has_value(), answer.has_value()) << name << ", seed " << seed;
      EXPECT_NEAR(value.value_or(0), answer.value_or(0), 1e-6) << name << ", seed " << seed;
      ++compared;
    }
  }
  EXPECT_GT(compared, 4000U);
}

hpa::HpaMetric pod_metric(hpa::MetricSource source, std::string name) {
  return {.source = source,
          .type = source == hpa::MetricSource::pods ? "Pods" : "Resource",
          .name = std::move(name),
          .target = {.type = "AverageValue", .average_value = 1000}};
}

TEST(PlanObserver, PodsHaveTheNumbersOfTheirRanks) {
  const auto world = small_world();
  const auto strategy =
      hpa_strategy("own", {.min = 1,
                           .max = 10,
                           .metrics = {pod_metric(hpa::MetricSource::pods, "core_utilization_ratio"),
                                       pod_metric(hpa::MetricSource::pods, "node_cores_allocated_count"),
                                       pod_metric(hpa::MetricSource::resource, "cpu")}});
  ASSERT_TRUE(strategy);
  PlanObserver observer(*strategy);
  const auto moment = world.at(130);
  PlanFacts facts(moment);
  const auto first = observer.look(facts, 6);
  ASSERT_EQ(first.pods->size(), 6U);
  EXPECT_EQ(first.pods->at(4).phase, "Running");
  EXPECT_EQ(first.pods->at(5).phase, "Pending") << "rank 5 is not up";
  const auto& ratios = first.pod_metrics.at("core_utilization_ratio");
  EXPECT_EQ(ratios, (hpa::PodSamples{{"flux-sample-0", 1000},
                                     {"flux-sample-1", 1000},
                                     {"flux-sample-2", 375},
                                     {"flux-sample-3", 0},
                                     {"flux-sample-4", 0}}));
  EXPECT_EQ(first.pod_metrics.at("node_cores_allocated_count").at("flux-sample-2"), 3000);
  EXPECT_FALSE(first.resource) << "no sample is new when it is read";
  const auto second = observer.look(facts, 6);
  EXPECT_EQ(second.resource->at("flux-sample-0").at("flux").at("cpu"), 7600) << "0.95 of eight cores";
  EXPECT_FALSE(second.resource->contains("flux-sample-5"));
}

TEST(PlanStrategies, AnHpaWithAnUnknownMetricIsRefused) {
  const auto refused = [](hpa::HpaMetric metric) {
    const auto strategy = hpa_strategy("own", {.max = 4, .metrics = {std::move(metric)}});
    return strategy ? std::string() : strategy.error().message;
  };
  const auto memory = refused(pod_metric(hpa::MetricSource::resource, "memory"));
  EXPECT_TRUE(
      memory.starts_with("plan has no values for the metric memory of type Resource: there are cpu "
                         "(Resource), core_utilization_ratio, node_cores_allocated_count (Pods), and as "
                         "Object or External core_demand_count, "))
      << memory;
  EXPECT_NE(memory.find("node_wanted_count"), std::string::npos);
  EXPECT_NE(refused(pod_metric(hpa::MetricSource::pods, "packets")), "");
}

TEST(PlanStrategies, NamesAreUnique) {
  const std::vector<PlanStrategy> taken{{.name = "wanted"}, {.name = "web"}, {.name = "web-2"}};
  EXPECT_EQ(unique_name("mine", taken), "mine");
  EXPECT_EQ(unique_name("wanted", taken), "wanted-2");
  EXPECT_EQ(unique_name("web", taken), "web-3");
}

}  // namespace
}  // namespace fluxmetrics::plan
