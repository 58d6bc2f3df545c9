#include "metrics/prometheus.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "metrics/catalogue.hpp"

namespace fluxmetrics::metrics {
namespace {

using enum ExposedType;

struct Source {
  const Snapshot& snapshot;
  const instance::InstanceState& state;
  const StateFacts& facts;
};

using Write = void (*)(const Source& source, ExpositionWriter& writer);

// A family, and what writes its samples: null = the items of the metric that it is made of, as they are.
struct Entry {
  Exposed family;
  Write write = nullptr;
  bool fluxion = false;  // only where Fluxion tells of itself
};

void write_items(const Family& family, ExpositionWriter& writer) {
  std::vector<LabelView> labels;
  for (const auto& item : family.items) {
    labels.clear();
    for (const auto& [name, value] : item.labels)
      labels.push_back({.name = name, .value = value});
    writer.sample(item.value, labels);
  }
}

void write_partition(const Source& source, ExpositionWriter& writer) {
  for (std::size_t i = 0; i < node_states.size(); ++i)
    writer.sample(static_cast<double>(source.facts.partition[i]),
                  {{.name = "state", .value = node_states[i]}});
}

// Cores or gpus, each in one state.
template <std::uint64_t flux::Amount::* Number>
void write_amounts(const Source& source, ExpositionWriter& writer) {
  const auto& nodes = source.facts.nodes;
  const auto total = nodes.amount_total.*Number;
  const auto up = nodes.amount_up.*Number;
  const auto free = nodes.amount_free.*Number;
  const auto down_used = std::min(nodes.amount_down_used.*Number, total - up);
  const std::array<std::pair<std::string_view, std::uint64_t>, 4> states{{{"free", free},
                                                                          {"allocated", up - free},
                                                                          {"down", total - up - down_used},
                                                                          {"down_allocated", down_used}}};
  for (const auto& [state, number] : states)
    writer.sample(static_cast<double>(number), {{.name = "state", .value = state}});
}

void write_inactive(const Source& source, ExpositionWriter& writer) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> results{
      {{"successful", "job_successful_count"},
       {"failed", "job_failed_count"},
       {"canceled", "job_canceled_count"},
       {"timeout", "job_timeout_count"}}};
  for (const auto& [result, metric] : results) {
    const auto* family = source.snapshot.find(metric);
    if (family == nullptr) continue;
    for (const auto& item : family->items)
      writer.sample(item.value, {{.name = "queue", .value = item.labels.front().second},
                                 {.name = "result", .value = result}});
  }
}

void write_waits(const Source& source, ExpositionWriter& writer) {
  static const Histogram none(instance::WaitTimes::bounds);
  for (const auto& queue : source.state.queues) {
    const auto* const found = std::ranges::find(source.state.waits, queue.name, &instance::QueueWaits::queue);
    const LabelView label{.name = "queue", .value = queue.name};
    writer.histogram(found == source.state.waits.end() ? none : found->waits, LabelViews(&label, 1));
  }
}

template <bool instance::Queue::* Member>
void write_switch(const Source& source, ExpositionWriter& writer) {
  for (const auto& queue : source.state.queues)
    writer.sample(queue.*Member ? 1 : 0, {{.name = "queue", .value = queue.name}});
}

void write_arrivals(const Source& source, ExpositionWriter& writer) {
  if (source.snapshot.watched && source.snapshot.watched->arrivals)
    writer.histogram(*source.snapshot.watched->arrivals);
}

void write_info(const Source& source, ExpositionWriter& writer) {
  writer.sample(1, {{.name = "version", .value = source.state.version},
                    {.name = "hostname", .value = source.state.hostname},
                    {.name = "role", .value = source.state.owner ? "owner" : "guest"}});
}

void write_size(const Source& source, ExpositionWriter& writer) {
  writer.sample(source.state.size);
}

// The three gauges of prometheus-flux, with its labels.
void write_old_states(const Source& source, ExpositionWriter& writer) {
  const auto& states = source.state.stats.all.states;
  const std::array<std::pair<std::string_view, std::int64_t>, 6> counts{{{"DEPEND", states.depend},
                                                                         {"PRIORITY", states.priority},
                                                                         {"SCHED", states.sched},
                                                                         {"RUN", states.run},
                                                                         {"CLEANUP", states.cleanup},
                                                                         {"INACTIVE", states.inactive}}};
  for (const auto& [state, number] : counts)
    writer.sample(static_cast<double>(number), {{.name = "state", .value = state}});
}

void write_old_cores(const Source& source, ExpositionWriter& writer) {
  writer.sample(static_cast<double>(source.facts.nodes.amount_up.cores), {{.name = "state", .value = "up"}});
  writer.sample(static_cast<double>(source.facts.nodes.amount_free.cores),
                {{.name = "state", .value = "free"}});
}

void write_old_nodes(const Source& source, ExpositionWriter& writer) {
  writer.sample(static_cast<double>(source.facts.nodes.up.size()), {{.name = "state", .value = "up"}});
  writer.sample(static_cast<double>(source.facts.nodes.free), {{.name = "state", .value = "free"}});
}

// A family that is a metric of the catalogue under Prometheus' own name.
Entry same_as(std::string_view metric, std::string_view family) {
  const auto* description = built_in()->find(metric);
  return {.family = {.name = family,
                     .type = description->type == Type::counter ? counter : gauge,
                     .help = description->help,
                     .labels = description->labels,
                     .made_of = {metric}}};
}

std::vector<Entry> of_nodes() {
  return {
      {.family = {.name = "flux_nodes",
                  .help = "Nodes by state, each counted once: under the first that applies of excluded, "
                          "offline, torpid, draining, drained, allocated and idle.",
                  .labels = {"state"},
                  .made_of = {"node_total_count", "node_allocated_count"}},
       .write = write_partition},
      {.family = {.name = "flux_cores",
                  .help = "Cores by state, each counted once: free or allocated on nodes that are up, down "
                          "or down_allocated on others; without excluded nodes.",
                  .labels = {"state"},
                  .made_of = {"node_cores_total_count", "node_cores_free_count"}},
       .write = write_amounts<&flux::Amount::cores>},
      {.family = {.name = "flux_gpus",
                  .help = "Gpus by state, each counted once: free or allocated on nodes that are up, down or "
                          "down_allocated on others; without excluded nodes.",
                  .labels = {"state"},
                  .made_of = {"node_gpus_total_count", "node_gpus_free_count"}},
       .write = write_amounts<&flux::Amount::gpus>},
      same_as("node_draining_count", "flux_nodes_draining"),
      same_as(wanted_name, exposed_wanted_name),
      same_as("node_wanted_all_count", "flux_nodes_wanted_all"),
      same_as("node_safe_min_count", "flux_nodes_safe_min"),
      same_as("node_shortage_count", "flux_nodes_shortage"),
      same_as("node_utilization_ratio", "flux_node_utilization_ratio"),
      same_as("core_utilization_ratio", "flux_core_utilization_ratio"),
      {.family = {.name = "flux_node_arrival_seconds",
                  .type = histogram,
                  .help = "From when node_wanted_count asked for a node until its broker was online."},
       .write = write_arrivals},
  };
}

std::vector<Entry> of_jobs() {
  return {
      same_as("job_count", "flux_jobs"),
      same_as("job_eligible_count", "flux_jobs_eligible"),
      same_as("job_unlimited_count", "flux_jobs_unlimited"),
      same_as("job_unsatisfiable_count", "flux_jobs_unsatisfiable"),
      same_as("job_denied_count", "flux_jobs_denied"),
      same_as("job_shape_unknown_count", "flux_jobs_shape_unknown"),
      {.family = {.name = "flux_jobs_inactive",
                  .help = "Inactive jobs that Flux has not purged, by result.",
                  .labels = {"queue", "result"},
                  .made_of = {"job_successful_count", "job_failed_count", "job_canceled_count",
                              "job_timeout_count"}},
       .write = write_inactive},
      same_as("job_finished_total", "flux_jobs_finished_total"),
      {.family = {.name = "flux_job_wait_seconds",
                  .type = histogram,
                  .help = "How long jobs waited from being ready to start until they started, for jobs that "
                          "started since this program did.",
                  .labels = {"queue"},
                  .made_of = {"job_eligible_count"}},
       .write = write_waits},
      same_as("job_wait_oldest_seconds", "flux_job_wait_oldest_seconds"),
      same_as("job_largest_nodes_count", "flux_job_largest_nodes"),
      same_as("job_largest_cores_count", "flux_job_largest_cores"),
      same_as("node_demand_count", "flux_demand_nodes"),
      same_as("core_demand_count", "flux_demand_cores"),
      same_as("gpu_demand_count", "flux_demand_gpus"),
      same_as("queue_backlog_seconds", "flux_queue_backlog_seconds"),
      {.family = {.name = "flux_queue_started",
                  .help = "Whether the queue starts jobs: 1, or 0 when it is stopped.",
                  .labels = {"queue"}},
       .write = write_switch<&instance::Queue::started>},
      {.family = {.name = "flux_queue_enabled",
                  .help = "Whether the queue accepts jobs: 1, or 0.",
                  .labels = {"queue"}},
       .write = write_switch<&instance::Queue::enabled>},
  };
}

template <auto Number>
void write_graph(const Source& source, ExpositionWriter& writer) {
  writer.sample(static_cast<double>((*source.state.match_stats).*Number));
}

template <auto Number>
void write_outcomes(const Source& source, ExpositionWriter& writer) {
  const auto& stats = *source.state.match_stats;
  const std::array<std::pair<std::string_view, const instance::MatchStats::Outcome*>, 2> outcomes{
      {{"succeeded", &stats.succeeded}, {"failed", &stats.failed}}};
  for (const auto& [result, outcome] : outcomes)
    writer.sample(static_cast<double>(outcome->*Number), {{.name = "result", .value = result}});
}

// Of Fluxion alone, and told to owners.
std::vector<Entry> of_fluxion() {
  using instance::MatchStats;
  using Outcome = MatchStats::Outcome;
  return {
      {.family = {.name = "flux_fluxion_graph_vertices",
                  .help = "Vertices of the graph in which Fluxion looks for room."},
       .write = write_graph<&MatchStats::vertices>,
       .fluxion = true},
      {.family = {.name = "flux_fluxion_graph_edges",
                  .help = "Edges of the graph in which Fluxion looks for room."},
       .write = write_graph<&MatchStats::edges>,
       .fluxion = true},
      {.family = {.name = "flux_fluxion_graph_load_seconds",
                  .help = "How long Fluxion took to build its graph when it was loaded."},
       .write = write_graph<&MatchStats::load_seconds>,
       .fluxion = true},
      {.family = {.name = "flux_fluxion_matches_total",
                  .type = counter,
                  .help = "How often Fluxion has looked for room for a job since it was loaded, by result.",
                  .labels = {"result"}},
       .write = write_outcomes<&Outcome::matches>,
       .fluxion = true},
      {.family = {.name = "flux_fluxion_timed_matches_total",
                  .type = counter,
                  .help = "The matches that flux_fluxion_match_seconds_total covers: those since Fluxion's "
                          "statistics were cleared.",
                  .labels = {"result"}},
       .write = write_outcomes<&Outcome::timed_matches>,
       .fluxion = true},
      {.family = {.name = "flux_fluxion_match_seconds_total",
                  .type = counter,
                  .help =
                      "How long Fluxion has looked for room since its statistics were cleared, by result.",
                  .labels = {"result"}},
       .write = write_outcomes<&Outcome::seconds>,
       .fluxion = true},
      {.family = {.name = "flux_fluxion_match_longest_seconds",
                  .help = "The longest of these matches, by result.",
                  .labels = {"result"}},
       .write = write_outcomes<&Outcome::longest>,
       .fluxion = true},
  };
}

std::vector<Entry> of_instance() {
  return {
      {.family = {.name = "flux_instance_info",
                  .type = info,
                  .help = "The Flux instance, and whether this program is its owner or a guest.",
                  .labels = {"version", "hostname", "role"}},
       .write = write_info},
      {.family = {.name = "flux_scheduler_info",
                  .type = info,
                  .help = "Which scheduler each queue has, and with which policies; what is not known is an "
                          "empty label.",
                  .labels = {"queue", "scheduler", "queue_policy", "match_policy", "prune_filters"},
                  .made_of = {"scheduler_info"}}},
      {.family = {.name = "flux_instance_size", .help = "All ranks that the instance can have."},
       .write = write_size},
      {.family = {.name = "flux_queue_state_counts",
                  .help = "Jobs by state, as prometheus-flux named it.",
                  .labels = {"state"},
                  .made_of = {"job_count"}},
       .write = write_old_states},
      {.family =
           {.name = "flux_node_cores_counts",
            .help =
                "Cores of the nodes that are up, and of these the free ones, as prometheus-flux named it.",
            .labels = {"state"},
            .made_of = {"node_cores_up_count", "node_cores_free_count"}},
       .write = write_old_cores},
      {.family = {.name = "flux_node_counts",
                  .help =
                      "Nodes that are up, and of these those with a core free, as prometheus-flux named it.",
                  .labels = {"state"},
                  .made_of = {"node_up_count", "node_free_count"}},
       .write = write_old_nodes},
  };
}

// Two lists in the same order: families are handed out as a span.
struct Table {
  std::vector<Exposed> families;
  std::vector<Write> writes;
  std::vector<bool> fluxion;
};

Table make_table() {
  Table made;
  for (const auto& part : {of_nodes(), of_jobs(), of_fluxion(), of_instance()}) {
    for (const auto& entry : part) {
      made.families.push_back(entry.family);
      made.writes.push_back(entry.write);
      made.fluxion.push_back(entry.fluxion);
    }
  }
  return made;
}

const Table& table() {
  static const Table made = make_table();
  return made;
}

bool has_value(const Snapshot& snapshot, std::string_view metric) {
  const auto* family = snapshot.find(metric);
  return family != nullptr && !family->missing;
}

}  // namespace

std::span<const Exposed> instance_families() {
  return table().families;
}

void expose_instance(const Snapshot& snapshot, ExpositionWriter& writer) {
  if (!snapshot.state || !snapshot.facts) return;
  const Source source{.snapshot = snapshot, .state = *snapshot.state, .facts = *snapshot.facts};
  for (std::size_t i = 0; i < table().families.size(); ++i) {
    const Exposed& family = table().families[i];
    const bool known = std::ranges::all_of(
        family.made_of, [&](std::string_view metric) { return has_value(snapshot, metric); });
    if (!known || (table().fluxion[i] && !source.state.match_stats)) continue;
    writer.begin(family);
    if (const auto write = table().writes[i]; write != nullptr) {
      write(source, writer);
    } else {
      write_items(*snapshot.find(family.made_of.front()), writer);
    }
  }
  if (!snapshot.catalogue) return;
  for (const auto& family : snapshot.catalogue->user_families()) {
    if (!has_value(snapshot, family.made_of.front())) continue;
    writer.begin(family);
    write_items(*snapshot.find(family.made_of.front()), writer);
  }
}

}  // namespace fluxmetrics::metrics
