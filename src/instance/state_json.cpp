#include "instance/state_json.hpp"

#include <array>
#include <string>
#include <utility>

#include <boost/json/array.hpp>

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;

// Which drain each drained rank has.
const flux::Drain* drain_of(const InstanceState& state, flux::IdSet::Id rank) {
  for (const auto& drain : state.drains)
    if (drain.ranks.contains(rank)) return &drain;
  return nullptr;
}

// Each rank is in one state: the first of these that holds.
std::string_view node_state(const InstanceState& state, flux::IdSet::Id rank, bool drained, bool allocated) {
  if (state.excluded.contains(rank)) return "excluded";
  if (state.removed.contains(rank)) return "removed";
  if (!state.online.contains(rank)) return "offline";
  if (state.torpid.contains(rank)) return "torpid";
  if (drained) return allocated ? "draining" : "drained";
  return allocated ? "allocated" : "idle";
}

}  // namespace

json::array nodes_json(const InstanceState& state) {
  const auto hosts = state.resources.hosts();
  const auto ours = state.drained_by_us();
  json::array nodes;
  for (const auto& entry : state.resources.entries) {
    for (const auto rank : entry.ranks) {
      const auto* drain = drain_of(state, rank);
      const auto held = state.allocated.on_rank(rank);
      const bool allocated = held.cores + held.gpus > 0;
      json::object node{{"rank", rank},
                        {"state", node_state(state, rank, drain != nullptr, allocated)},
                        {"cores", entry.cores.size()},
                        {"gpus", entry.gpus.size()},
                        {"cores_allocated", held.cores},
                        {"gpus_allocated", held.gpus}};
      if (hosts)
        if (const auto host = hosts->find(rank); host != hosts->end()) node["host"] = host->second;
      if (drain != nullptr)
        node["drain"] = json::object{
            {"reason", drain->reason}, {"time", drain->timestamp}, {"ours", ours.contains(rank)}};
      nodes.push_back(std::move(node));
    }
  }
  return nodes;
}

json::array queues_json(const InstanceState& state) {
  json::array queues;
  for (const auto& queue : state.queues) {
    queues.push_back(json::object{{"name", queue.name},
                                  {"enabled", queue.enabled},
                                  {"started", queue.started},
                                  {"constrained", !queue.admits.admits_all()}});
  }
  return queues;
}

json::array shapes_json(const InstanceState& state) {
  json::array shapes;
  for (const auto& shape : state.shapes) {
    json::object entry{{"slots", shape.slots}, {"cores", shape.cores},
                       {"gpus", shape.gpus},   {"exclusive", shape.exclusive},
                       {"known", shape.known}, {"constrained", !shape.constraint.admits_all()}};
    if (shape.nodes) entry["nodes"] = *shape.nodes;
    shapes.push_back(std::move(entry));
  }
  return shapes;
}

json::array denied_json(const InstanceState& state) {
  json::array denied;
  for (const auto& job : state.denied) {
    denied.push_back(json::object{{"id", std::to_string(job.id)},
                                  {"f58", flux::encode_f58(job.id)},
                                  {"queue", state.queues[job.queue].name},
                                  {"shape", job.shape},
                                  {"time", job.t_denied}});
  }
  return denied;
}

json::object job_json(const InstanceState& state, const Job& job) {
  json::object entry{{"id", std::to_string(job.id)},
                     {"f58", flux::encode_f58(job.id)},
                     {"state", flux::to_string(job.state)},
                     {"queue", state.queues[job.queue].name},
                     {"priority", job.priority},
                     {"shape", job.shape}};
  const auto numbers = std::to_array<std::pair<std::string_view, double>>({{"t_submit", job.t_submit},
                                                                           {"t_sched", job.t_sched},
                                                                           {"t_run", job.t_run},
                                                                           {"duration", job.duration},
                                                                           {"expiration", job.expiration}});
  for (const auto& [name, value] : numbers)
    if (value > 0) entry[name] = value;
  if (job.nnodes) entry["nnodes"] = *job.nnodes;
  if (job.ncores) entry["ncores"] = *job.ncores;
  return entry;
}

json::object instance_json(const InstanceState& state) {
  return {{"size", state.size},         {"level", state.level},        {"version", state.version},
          {"hostname", state.hostname}, {"state", state.broker_state}, {"owner", state.owner}};
}

json::object state_json(const InstanceState& state, WallTime confirmed) {
  json::array jobs;
  jobs.reserve(state.jobs.size());
  for (const Job& job : state.jobs)
    jobs.push_back(job_json(state, job));
  json::object document{{"format", state_format},           {"timestamp", format_rfc3339(confirmed)},
                        {"time", to_unix(confirmed)},       {"instance", instance_json(state)},
                        {"scheduler", state.has_scheduler}, {"scheduling", state.scheduler.to_json()},
                        {"counts", state.stats.to_json()},  {"nodes", nodes_json(state)},
                        {"queues", queues_json(state)},     {"shapes", shapes_json(state)},
                        {"jobs", std::move(jobs)},          {"denied", denied_json(state)}};
  if (state.match_stats) document["match_stats"] = state.match_stats->to_json();
  return document;
}

}  // namespace fluxmetrics::instance
