#include "metrics/exposition.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "metrics/catalogue.hpp"
#include "metrics/prometheus.hpp"
#include "support/capture_state.hpp"
#include "support/instance_builder.hpp"

namespace fluxmetrics::metrics {
namespace {

const Exposed nodes{.name = "flux_nodes", .help = "Nodes\\by\n\"state\".", .labels = {"state"}};
const Exposed done{.name = "flux_done_total", .type = ExposedType::counter, .help = "Done."};
const Exposed about{.name = "flux_info", .type = ExposedType::info, .help = "About.", .labels = {"version"}};
const Exposed waits{.name = "flux_wait_seconds", .type = ExposedType::histogram, .help = "Waits."};
constexpr std::array<double, 3> bounds{0.5, 1, 1e9};

std::string write(ExpositionFormat format) {
  ExpositionWriter writer(format);
  writer.begin(nodes);
  writer.sample(4, {{.name = "state", .value = "a\"b\\c\nd"}});
  writer.begin(done);
  writer.sample(12345678901);
  writer.begin(about);
  writer.sample(1, {{.name = "version", .value = "0.88"}});
  Histogram histogram(bounds);
  for (const double value : {0.5, 0.75, 3.0, 1e10})
    histogram.add(value);
  writer.begin(waits);
  writer.histogram(histogram);
  writer.end();
  return writer.text();
}

TEST(Exposition, WritesTheOldText) {
  EXPECT_EQ(write(ExpositionFormat::text),
            "# HELP flux_nodes Nodes\\\\by\\n\"state\".\n"
            "# TYPE flux_nodes gauge\n"
            "flux_nodes{state=\"a\\\"b\\\\c\\nd\"} 4\n"
            "# HELP flux_done_total Done.\n"
            "# TYPE flux_done_total counter\n"
            "flux_done_total 12345678901\n"
            "# HELP flux_info About.\n"
            "# TYPE flux_info gauge\n"
            "flux_info{version=\"0.88\"} 1\n"
            "# HELP flux_wait_seconds Waits.\n"
            "# TYPE flux_wait_seconds histogram\n"
            "flux_wait_seconds_bucket{le=\"0.5\"} 1\n"
            "flux_wait_seconds_bucket{le=\"1.0\"} 2\n"
            "flux_wait_seconds_bucket{le=\"1000000000.0\"} 3\n"
            "flux_wait_seconds_bucket{le=\"+Inf\"} 4\n"
            "flux_wait_seconds_sum 10000000004.25\n"
            "flux_wait_seconds_count 4\n");
}

TEST(Exposition, WritesOpenMetrics) {
  EXPECT_EQ(write(ExpositionFormat::openmetrics),
            "# HELP flux_nodes Nodes\\\\by\\n\\\"state\\\".\n"
            "# TYPE flux_nodes gauge\n"
            "flux_nodes{state=\"a\\\"b\\\\c\\nd\"} 4\n"
            "# HELP flux_done Done.\n"
            "# TYPE flux_done counter\n"
            "flux_done_total 12345678901\n"
            "# HELP flux About.\n"
            "# TYPE flux info\n"
            "flux_info{version=\"0.88\"} 1\n"
            "# HELP flux_wait_seconds Waits.\n"
            "# TYPE flux_wait_seconds histogram\n"
            "# UNIT flux_wait_seconds seconds\n"
            "flux_wait_seconds_bucket{le=\"0.5\"} 1\n"
            "flux_wait_seconds_bucket{le=\"1.0\"} 2\n"
            "flux_wait_seconds_bucket{le=\"1000000000.0\"} 3\n"
            "flux_wait_seconds_bucket{le=\"+Inf\"} 4\n"
            "flux_wait_seconds_sum 10000000004.25\n"
            "flux_wait_seconds_count 4\n"
            "# EOF\n");
}

TEST(Exposition, LeavesOutWhatHasNoSample) {
  ExpositionWriter writer(ExpositionFormat::text);
  writer.begin(nodes);
  writer.begin(done);
  writer.sample(std::numeric_limits<double>::infinity());
  EXPECT_EQ(writer.text(),
            "# HELP flux_done_total Done.\n# TYPE flux_done_total counter\nflux_done_total +Inf\n");
  ASSERT_EQ(writer.parts().size(), 1U);
  EXPECT_EQ(writer.parts()[0].family, &done);
  EXPECT_EQ(writer.parts()[0].end, writer.text().size());
}

TEST(Exposition, KnowsTheNamesOfAFamily) {
  EXPECT_TRUE(is_name_of("flux_done_total", done));
  EXPECT_TRUE(is_name_of("flux_done", done)) << "as OpenMetrics names it";
  for (const auto* name : {"flux_wait_seconds", "flux_wait_seconds_bucket", "flux_wait_seconds_sum"})
    EXPECT_TRUE(is_name_of(name, waits)) << name;
  EXPECT_FALSE(is_name_of("flux_nodes_bucket", nodes));
  EXPECT_FALSE(is_name_of("flux", nodes));
  EXPECT_FALSE(is_name_of("", nodes));
}

// A snapshot as the publisher makes it.
std::shared_ptr<const Snapshot> publish(const instance::InstanceState& state) {
  Store store;
  Publisher publisher({}, false, store);
  publisher.on_state(std::make_shared<const instance::InstanceState>(state),
                     {.wall = from_unix(1.8e9), .mono = MonoTime(std::chrono::seconds(1000))});
  return store.view().snapshot;
}

std::string expose(const instance::InstanceState& state) {
  ExpositionWriter writer(ExpositionFormat::text);
  expose_instance(*publish(state), writer);
  return writer.text();
}

TEST(Prometheus, PutsEachNodeAndCoreIntoOneState) {
  const auto text = expose(support::captured_state("03-drained"));
  for (const auto* line : {"flux_nodes{state=\"draining\"} 2\n", "flux_nodes{state=\"allocated\"} 2\n",
                           "flux_nodes{state=\"idle\"} 0\n", "flux_cores{state=\"free\"} 8\n",
                           "flux_cores{state=\"allocated\"} 8\n", "flux_cores{state=\"down\"} 11\n",
                           "flux_cores{state=\"down_allocated\"} 5\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(Prometheus, KeepsTheGaugesOfPrometheusFlux) {
  const auto text = expose(support::captured_state("02-mixed"));
  for (const auto* line :
       {"flux_queue_state_counts{state=\"SCHED\"} 5\n", "flux_queue_state_counts{state=\"INACTIVE\"} 10\n",
        "flux_node_cores_counts{state=\"up\"} 32\n", "flux_node_cores_counts{state=\"free\"} 19\n",
        "flux_node_counts{state=\"up\"} 4\n", "flux_node_counts{state=\"free\"} 4\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(Prometheus, HasTheJobsOfEachQueue) {
  const auto text = expose(support::captured_state("02-mixed"));
  for (const auto* line :
       {"flux_jobs{queue=\"batch\",state=\"sched\"} 3\n", "flux_jobs{queue=\"debug\",state=\"run\"} 1\n",
        "flux_job_wait_seconds_count{queue=\"debug\"} 0\n", "# TYPE flux_job_wait_seconds histogram\n",
        "# TYPE flux_jobs_finished_total counter\n", "flux_queue_started{queue=\"batch\"} 1\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(Prometheus, LeavesOutWhatNobodyTells) {
  instance::InstanceState state = support::InstanceBuilder(4).online("0-3");
  state.jobs_unknown = "guests see no jobs";
  const auto text = expose(state);
  for (const auto* name : {"flux_jobs", "flux_job_wait_seconds", "flux_nodes_wanted", "flux_demand_nodes",
                           "flux_queue_state_counts", "flux_jobs_inactive"})
    EXPECT_EQ(text.find(std::string("# TYPE ") + name), std::string::npos) << name;
  EXPECT_NE(text.find("flux_node_counts{state=\"up\"} 4\n"), std::string::npos);
}

TEST(Prometheus, TellsHowTheSchedulerIsSet) {
  instance::InstanceState state = support::InstanceBuilder(4).online("0-3");
  EXPECT_EQ(expose(state).find("flux_scheduler_info{"), std::string::npos) << "nobody asked";
  state.scheduler.kind = instance::Scheduler::Kind::fluxion;
  state.scheduler.queue_policy = instance::Setting::of("fcfs");
  state.scheduler.match_policy = instance::Setting::of("policy=high node_exclusive=true");
  state.scheduler.prune_filters = instance::Setting::because("a guest may not ask");
  EXPECT_NE(expose(state).find("flux_scheduler_info{queue=\"\",scheduler=\"Fluxion\",queue_policy=\"fcfs\","
                               "match_policy=\"policy=high node_exclusive=true\",prune_filters=\"\"} 1\n"),
            std::string::npos)
      << expose(state);
}

TEST(Prometheus, HasFluxionsOwnTimesWhereItTellsThem) {
  instance::InstanceState state = support::InstanceBuilder(4).online("0-3");
  EXPECT_EQ(expose(state).find("flux_fluxion"), std::string::npos);
  state.match_stats.emplace();
  state.match_stats->vertices = 25;
  state.match_stats->failed.seconds = 0.5;
  state.match_stats->failed.timed_matches = 7;
  const auto text = expose(state);
  for (const auto* line :
       {"flux_fluxion_graph_vertices 25\n", "# TYPE flux_fluxion_match_seconds_total counter\n",
        "flux_fluxion_match_seconds_total{result=\"failed\"} 0.5\n",
        "flux_fluxion_timed_matches_total{result=\"failed\"} 7\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(Prometheus, NamesFollowItsConventions) {
  std::set<std::string_view> names;
  for (const auto& family : instance_families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_TRUE(family.name.starts_with("flux_")) << family.name;
    EXPECT_FALSE(family.name.ends_with("_count")) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == ExposedType::counter) << family.name;
    EXPECT_TRUE(family.help.ends_with(".")) << family.name;
    for (const auto metric : family.made_of)
      EXPECT_NE(built_in()->find(metric), nullptr) << family.name << ": " << metric;
  }
}

TEST(Prometheus, ShowsEachMetricOfTheCatalogueSomewhere) {
  // Told by other families: job_count has the states, a rate is Prometheus' own work, a histogram has
  // arrivals.
  const std::set<std::string_view> derived{"job_finished_per_second",
                                           "job_pending_count",
                                           "job_running_count",
                                           "job_queue_state_new_count",
                                           "job_queue_state_depend_count",
                                           "job_queue_state_priority_count",
                                           "job_queue_state_sched_count",
                                           "job_queue_state_run_count",
                                           "job_queue_state_cleanup_count",
                                           "job_queue_state_inactive_count",
                                           "node_arrival_seconds",
                                           "node_down_count",
                                           "node_drained_count",
                                           "node_idle_count",
                                           "node_cores_allocated_count",
                                           "node_gpus_allocated_count",
                                           "node_gpus_up_count"};
  std::set<std::string_view> shown(derived);
  for (const auto& family : instance_families())
    shown.insert(family.made_of.begin(), family.made_of.end());
  for (const auto& description : *built_in())
    EXPECT_TRUE(shown.contains(description.name)) << description.name;
}

TEST(Prometheus, WritesATenthousandSeriesInNoTime) {
  instance::InstanceState state = support::InstanceBuilder(4).online("0-3");
  state.queues.clear();
  for (int i = 0; i < 2000; ++i)
    state.queues.emplace_back().name = "queue" + std::to_string(i);
  const auto snapshot = publish(state);
  const auto began = std::chrono::steady_clock::now();
  ExpositionWriter writer(ExpositionFormat::text);
  expose_instance(*snapshot, writer);
  const Seconds took = std::chrono::steady_clock::now() - began;
  EXPECT_GT(std::ranges::count(writer.text(), '\n'), 60000);
  RecordProperty("seconds", std::to_string(took.count()));
}

}  // namespace
}  // namespace fluxmetrics::metrics
