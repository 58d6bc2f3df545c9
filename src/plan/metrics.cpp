#include "plan/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::plan {
namespace {

using Value = std::optional<double>;

// An item of a metric of the model's one queue; of job_count there is one for each state.
struct KnownItem {
  std::string_view state = {};  // "" = the metric has no such label
  PlanValue value = nullptr;
};

struct KnownMetric {
  std::string_view name = {};
  bool by_queue = false;
  std::vector<KnownItem> items = {};
};

KnownMetric single(std::string_view name, PlanValue value) {
  return {.name = name, .items = {{.value = value}}};
}
KnownMetric of_queue(std::string_view name, PlanValue value) {
  return {.name = name, .by_queue = true, .items = {{.value = value}}};
}

Value waiting_jobs(PlanFacts& facts) {
  return facts.moment().demand.waiting().size();
}
Value running_jobs(PlanFacts& facts) {
  return std::ranges::size(facts.moment().demand.running());
}
Value cleaning_jobs(PlanFacts& facts) {
  return std::ranges::count_if(facts.moment().cleaning,
                               [](const RankShares& placement) { return !placement.empty(); });
}
Value inactive_jobs(PlanFacts& facts) {
  return static_cast<double>(facts.moment().over) - *cleaning_jobs(facts);
}

Value ratio_of(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t cores_up(PlanFacts& facts) {
  return facts.nodes().up * facts.moment().ranks.cores();
}

std::vector<KnownMetric> job_metrics() {
  return {
      {.name = "job_count",
       .by_queue = true,
       .items = {{.state = "sched", .value = waiting_jobs},
                 {.state = "run", .value = running_jobs},
                 {.state = "cleanup", .value = cleaning_jobs}}},
      of_queue("job_eligible_count", waiting_jobs),
      of_queue("job_finished_total", inactive_jobs),
      single("job_pending_count", waiting_jobs),
      single("job_queue_state_cleanup_count", cleaning_jobs),
      single("job_queue_state_inactive_count", inactive_jobs),
      single("job_queue_state_run_count", running_jobs),
      single("job_queue_state_sched_count", waiting_jobs),
      single("job_running_count", [](PlanFacts& f) -> Value { return *running_jobs(f) + *cleaning_jobs(f); }),
      of_queue("job_largest_cores_count", [](PlanFacts& f) -> Value { return f.backlog().most_cores; }),
      of_queue("job_largest_nodes_count", [](PlanFacts& f) -> Value { return f.backlog().widest_nodes; }),
      of_queue("job_wait_oldest_seconds",
               [](PlanFacts& f) -> Value {
                 const auto& moment = f.moment();
                 const auto& waiting = moment.demand.waiting();
                 return waiting.empty() ? 0 : std::max(0.0, moment.now - waiting.front().since);
               }),
      of_queue("queue_backlog_seconds",
               [](PlanFacts& f) -> Value {
                 const double seconds = f.backlog().seconds();
                 return std::isfinite(seconds) ? Value(seconds) : std::nullopt;
               }),
  };
}

std::vector<KnownMetric> node_metrics() {
  return {
      single("core_utilization_ratio",
             [](PlanFacts& f) { return ratio_of(cores_up(f) - f.nodes().cores_free, cores_up(f)); }),
      single("node_allocated_count", [](PlanFacts& f) -> Value { return f.nodes().allocated; }),
      single("node_cores_allocated_count", [](PlanFacts& f) -> Value { return f.nodes().cores_allocated; }),
      single("node_cores_free_count", [](PlanFacts& f) -> Value { return f.nodes().cores_free; }),
      single("node_cores_total_count",
             [](PlanFacts& f) -> Value {
               return std::uint64_t{f.moment().ranks.count()} * f.moment().ranks.cores();
             }),
      single("node_cores_up_count", [](PlanFacts& f) -> Value { return cores_up(f); }),
      single("node_down_count",
             [](PlanFacts& f) -> Value { return f.moment().ranks.count() - f.nodes().up; }),
      single("node_free_count", [](PlanFacts& f) -> Value { return f.nodes().free; }),
      single("node_idle_count", [](PlanFacts& f) -> Value { return f.nodes().idle; }),
      single("node_total_count", [](PlanFacts& f) -> Value { return f.moment().ranks.count(); }),
      single("node_up_count", [](PlanFacts& f) -> Value { return f.nodes().up; }),
      single("node_utilization_ratio",
             [](PlanFacts& f) { return ratio_of(f.nodes().allocated_up, f.nodes().up); }),
  };
}

std::vector<KnownMetric> size_metrics() {
  return {
      of_queue("core_demand_count", [](PlanFacts& f) -> Value { return f.demand().queues.front().cores; }),
      of_queue("node_demand_count", [](PlanFacts& f) -> Value { return f.demand().queues.front().nodes; }),
      single("node_safe_min_count",
             [](PlanFacts& f) -> Value { return std::max(1U, f.moment().ranks.highest_busy()); }),
      single("node_shortage_count", [](PlanFacts& f) -> Value { return f.demand().shortage; }),
      single("node_wanted_all_count", [](PlanFacts& f) -> Value { return f.demand().wanted_all; }),
      single("node_wanted_count", [](PlanFacts& f) -> Value { return f.moment().wanted; }),
  };
}

const std::vector<KnownMetric>& known_metrics() {
  static const std::vector<KnownMetric> all = [] {
    auto list = job_metrics();
    std::ranges::move(node_metrics(), std::back_inserter(list));
    std::ranges::move(size_metrics(), std::back_inserter(list));
    std::ranges::sort(list, {}, &KnownMetric::name);
    return list;
  }();
  return all;
}

struct KnownPodMetric {
  std::string_view name;
  PlanPodValue value;
};
constexpr std::array<KnownPodMetric, 2> known_pod_metrics{{
    {"core_utilization_ratio",
     [](const PlanRanks& ranks, std::uint32_t rank) {
       return ranks.up(rank) && !ranks.drained(rank) ? ratio_of(ranks.used(rank), ranks.cores())
                                                     : std::nullopt;
     }},
    {"node_cores_allocated_count",
     [](const PlanRanks& ranks, std::uint32_t rank) -> Value { return ranks.used(rank); }},
}};

Result<void> check_label(const KnownMetric& metric, const kube::Selector::Requirement& requirement) {
  std::vector<std::string_view> labels;
  if (metric.by_queue) labels.emplace_back("queue");
  if (!metric.items.front().state.empty()) labels.emplace_back("state");
  if (std::ranges::find(labels, requirement.key) != labels.end()) return {};
  if (labels.empty()) return fail(Code::invalid, "it has no labels to select by");
  return fail(Code::invalid, "it has no label '{}', only {}", printable(requirement.key),
              fmt::join(labels, ", "));
}

// The items that are left of the queue.
std::vector<PlanValue> selected_items(const KnownMetric& metric, const kube::Selector& selector,
                                      const std::string& queue) {
  std::vector<PlanValue> items;
  for (const auto& item : metric.items) {
    if (selector.matches({{"queue", queue}, {"state", std::string(item.state)}})) items.push_back(item.value);
  }
  return items;
}

// Names that the model's queue may have where the jobs name none.
std::vector<std::string> possible_queues(const kube::Selector& selector) {
  std::vector<std::string> names{""};
  for (const auto& requirement : selector.requirements()) {
    if (requirement.key == "queue") std::ranges::copy(requirement.values, std::back_inserter(names));
  }
  return names;
}

std::string left_nothing(const KnownMetric& metric, std::span<const std::string> queues) {
  std::string there;
  if (!queues.empty()) there = fmt::format("the jobs are in {}", fmt::join(queues, ", "));
  if (metric.items.size() > 1) {
    std::vector<std::string_view> states;
    for (const auto& item : metric.items)
      states.push_back(item.state);
    there += fmt::format("{}plan has the states {}", there.empty() ? "" : "; ", fmt::join(states, ", "));
  }
  return there.empty() ? "plan has one queue" : there;
}

}  // namespace

const PlanNodes& PlanFacts::nodes() {
  if (nodes_) return *nodes_;
  auto& counts = nodes_.emplace();
  const auto& ranks = moment_.ranks;
  for (std::uint32_t rank = 0; rank < ranks.count(); ++rank) {
    const auto used = ranks.used(rank);
    counts.allocated += used > 0 ? 1U : 0U;
    counts.cores_allocated += used;
    if (!ranks.up(rank) || ranks.drained(rank)) continue;
    ++counts.up;
    counts.allocated_up += used > 0 ? 1U : 0U;
    counts.free += used < ranks.cores() ? 1U : 0U;
    counts.idle += used == 0 ? 1U : 0U;
    counts.cores_free += ranks.cores() - used;
  }
  return counts;
}

void PlanFacts::pack() {
  if (packed_) return;
  const auto state = to_state(moment_);
  sizing::SizePolicy policy;
  policy.min_replicas = moment_.min;
  auto demand = sizing::compute_demand(state, policy, from_unix(plan_epoch + moment_.now));
  auto backlog = sizing::backlog_by_queue(state, demand.impossible).front();
  packed_ = {.demand = std::move(demand), .backlog = std::move(backlog)};
}

const sizing::Demand& PlanFacts::demand() {
  pack();
  return packed_->demand;
}

const sizing::QueueBacklog& PlanFacts::backlog() {
  pack();
  return packed_->backlog;
}

std::optional<double> PlanMetric::value(PlanFacts& facts) const {
  double sum = 0;
  for (const auto item : items) {
    const auto part = item(facts);
    if (!part) return std::nullopt;
    sum += *part;
  }
  return sum;
}

std::vector<std::string_view> plan_metric_names() {
  std::vector<std::string_view> names;
  for (const auto& metric : known_metrics())
    names.push_back(metric.name);
  return names;
}

Result<PlanMetric> find_plan_metric(std::string_view name, const std::string& selector_text,
                                    std::span<const std::string> queues) {
  const auto known = std::ranges::find(known_metrics(), name, &KnownMetric::name);
  if (known == known_metrics().end()) return fail(Code::not_found, "plan does not know it");
  const auto selector = kube::Selector::parse(selector_text);
  if (!selector) return std::unexpected(selector.error());
  for (const auto& requirement : selector->requirements()) {
    if (auto checked = check_label(*known, requirement); !checked) return std::unexpected(checked.error());
  }
  std::vector<PlanValue> items;
  std::size_t matching = 0;
  const auto names =
      queues.empty() ? possible_queues(*selector) : std::vector<std::string>(queues.begin(), queues.end());
  for (const auto& queue : names) {
    auto selected = selected_items(*known, *selector, queue);
    if (selected.empty()) continue;
    items = std::move(selected);
    ++matching;
  }
  if (items.empty()) {
    return fail(Code::invalid, "its selector {} leaves nothing: {}", printable(selector_text),
                left_nothing(*known, queues));
  }
  if (!queues.empty() && matching < queues.size()) {
    return fail(Code::invalid,
                "its selector {} chooses among the queues {} of the jobs, which plan plays as one",
                printable(selector_text), fmt::join(queues, ", "));
  }
  return PlanMetric{.name = known->name, .items = std::move(items)};
}

std::vector<std::string_view> plan_pod_metric_names() {
  std::vector<std::string_view> names;
  for (const auto& metric : known_pod_metrics)
    names.push_back(metric.name);
  return names;
}

PlanPodValue find_plan_pod_metric(std::string_view name) {
  const auto* found = std::ranges::find(known_pod_metrics, name, &KnownPodMetric::name);
  return found == known_pod_metrics.end() ? nullptr : found->value;
}

}  // namespace fluxmetrics::plan
