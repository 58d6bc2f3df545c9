#include "explain/own_metrics.hpp"

#include <algorithm>
#include <array>

namespace fluxmetrics::explain {
namespace {

constexpr std::array<std::string_view, 4> own_sizes{"node_up_count", "node_cores_up_count",
                                                    "node_total_count", "node_cores_total_count"};
constexpr std::array<std::string_view, 11> of_waiting_jobs{
    "job_pending_count",       "job_eligible_count",          "job_queue_state_depend_count",
    "job_largest_nodes_count", "job_queue_state_sched_count", "job_queue_state_priority_count",
    "job_largest_cores_count", "job_wait_oldest_seconds",     "job_unlimited_count",
    "queue_backlog_seconds",   "node_shortage_count"};

// Of job_count the states before RUN are those of jobs that wait.
bool selects_waiting_jobs(const hpa::HpaMetric& metric) {
  if (metric.name != "job_count") return false;
  const auto& selector = metric.selector;
  const auto has = [&](std::string_view state) { return selector.find(state) != std::string::npos; };
  const bool waits = has("sched") || has("depend") || has("priority");
  return waits && selector.find("state") != std::string::npos && !has("run") && !has("notin") && !has("!=");
}

}  // namespace

bool of_an_object(const hpa::HpaMetric& metric) {
  return metric.source == hpa::MetricSource::object || metric.source == hpa::MetricSource::external;
}

bool counts_own_size(const hpa::HpaMetric& metric) {
  return of_an_object(metric) && std::ranges::find(own_sizes, metric.name) != own_sizes.end();
}

bool falls_when_jobs_start(const hpa::HpaMetric& metric) {
  if (!of_an_object(metric)) return false;
  return std::ranges::find(of_waiting_jobs, metric.name) != of_waiting_jobs.end() ||
         selects_waiting_jobs(metric);
}

bool targets_minicluster(const hpa::HpaSpec& spec) {
  return spec.target.kind == "MiniCluster";
}

}  // namespace fluxmetrics::explain
