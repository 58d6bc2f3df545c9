// What Fluxion's two modules, sched-fluxion-qmanager and sched-fluxion-resource, answer beside what every
// scheduler does.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "flux/job.hpp"
#include "simulate/fluxion_scheduler.hpp"
#include "simulate/services.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

// These methods are there only where the scheduler is Fluxion.
const FluxionScheduler& fluxion(Services& services) {
  return dynamic_cast<const FluxionScheduler&>(services.instance().scheduler());
}

// Fluxion's name of a queue.
std::string name_of(const Queue& queue) {
  return queue.name.empty() ? "default" : queue.name;
}

Answered queue_params(Services& services, const Request& request) {
  const auto shown = [](QueuePolicy policy) {
    return json::object{{"queue-policy", name_of(policy)}, {"queue-params", ""}, {"policy-params", ""}};
  };
  const FluxionOptions& options = fluxion(services).options();
  json::object params = shown(options.queue_policy.value_or(QueuePolicy::fcfs));
  for (const Queue& queue : services.instance().queues().all())
    params[name_of(queue)] = shown(options.policy_of(queue.name));
  return request.respond(json::object{{"params", std::move(params)}});
}

std::string plain(flux::JobId id) {
  constexpr std::string_view prefix = "ƒ";
  return "f" + flux::encode_f58(id).substr(prefix.size());
}

json::array ids(const std::vector<std::pair<std::int64_t, flux::JobId>>& jobs) {
  json::array shown;
  for (const auto& [key, id] : jobs)
    shown.emplace_back(plain(id));
  return shown;
}

json::object queue_stats(Services& services, std::size_t index) {
  const FluxionScheduler::QueueState& state = fluxion(services).queue(index);
  const Jobs& jobs = services.instance().jobs();
  const bool started = services.instance().queues().all()[index].status.start;
  using Line =
      std::vector<std::pair<std::int64_t, flux::JobId>>;  // by descending priority (negated), then id
  Line pending;
  Line blocked;
  Line running;
  for (const auto& [id, job] : jobs.lists().at(0)) {
    if (job->queue != index || job->state != flux::JobState::sched || job->priority == 0 || !started)
      continue;
    (state.blocked.contains(id) ? blocked : pending).emplace_back(-*job->priority, id);
  }
  for (const auto& [id, job] : jobs.lists().at(1))
    if (job->queue == index && job->R) running.emplace_back(0, id);
  std::ranges::sort(pending);
  std::ranges::sort(blocked);
  return {
      {"policy", name_of(state.policy)},
      {"queue_depth", FluxionScheduler::queue_depth},
      {"max_queue_depth", 1'000'000},
      {"queue_parameters", json::object()},
      {"policy_parameters", json::object()},
      {"action_counts", json::object{{"pending", state.counts.pending},
                                     {"running", state.counts.running},
                                     {"reserved", state.counts.reserved},
                                     {"rejected", state.counts.rejected},
                                     {"complete", state.counts.complete},
                                     {"cancelled", state.counts.cancelled},
                                     {"reprioritized", state.counts.reprioritized}}},
      {"pending_queues",
       json::object{
           {"pending", ids(pending)}, {"pending_provisional", json::array()}, {"blocked", ids(blocked)}}},
      {"scheduled_queues",
       json::object{{"running", ids(running)}, {"rejected", json::array()}, {"canceled", json::array()}}}};
}

Answered queues_stats(Services& services, const Request& request) {
  json::object queues;
  const auto& all = services.instance().queues().all();
  for (std::size_t i = 0; i < all.size(); ++i)
    queues[name_of(all[i])] = queue_stats(services, i);
  return request.respond(json::object{{"queues", std::move(queues)}});
}

Answered resource_params(Services& services, const Request& request) {
  const FluxionOptions& options = fluxion(services).options();
  return request.respond(json::object{{"params", json::object{{"load-file", nullptr},
                                                              {"load-format", "rv1exec"},
                                                              {"load-allowlist", "node,core,gpu"},
                                                              {"policy", options.match().name},
                                                              {"match-format", "rv1_nosched"},
                                                              {"subsystems", "containment"},
                                                              {"reserve-vtx-vec", 0},
                                                              {"prune-filters", options.filters()},
                                                              {"update-interval", 0},
                                                              {"traverser", "simple"}}}});
}

json::object match_stats(const FluxionScheduler::Matches& matches) {
  // The simulated scheduler needs no time.
  return {{"njobs", matches.count},
          {"njobs-reset", matches.count},
          {"max-match-jobid", matches.latest},
          {"max-match-iters", matches.count == 0 ? 0 : 1},
          {"stats", json::object{{"min", 0.0}, {"max", 0.0}, {"avg", 0.0}, {"variance", 0.0}}}};
}

// The graph: a cluster, its nodes, and their cores and gpus.
Answered resource_stats(Services& services, const Request& request) {
  const Instance& instance = services.instance();
  const Options& options = instance.options();
  const flux::IdSet ranks = services.instance().resources().schedulable();
  const std::uint64_t of_a_rank = std::uint64_t{1} + options.cores + options.gpus;
  const std::uint64_t vertices = 1 + ranks.size() * of_a_rank;
  const auto age = static_cast<std::int64_t>(instance.now() - instance.started());
  return request.respond(
      json::object{{"V", vertices},
                   {"E", vertices - 1},
                   {"by_rank", json::object{{bracketed(ranks), of_a_rank}}},
                   {"load-time", 0.001},
                   {"graph-uptime", age},
                   {"time-since-reset", age},
                   {"match", json::object{{"succeeded", match_stats(fluxion(services).matched())},
                                          {"failed", match_stats(fluxion(services).unmatched())}}}});
}

Answered resource_status(Services& services, const Request& request) {
  return request.respond(fluxion_status(services.instance().resources().sched_status()));
}

}  // namespace

json::object fluxion_status(const flux::SchedStatus& status) {
  json::object shown = status.to_json().as_object();
  for (auto& member : shown) {
    if (member.value().at("execution").at("R_lite").as_array().empty())
      member.value() = nullptr;
    else
      whole_seconds(member.value());
  }
  return shown;
}

void add_fluxion_methods(Services::Table& methods) {
  methods["sched-fluxion-qmanager.params"] = {.handler = queue_params};
  methods["sched-fluxion-qmanager.stats-get"] = {.handler = queues_stats};
  methods["sched-fluxion-resource.params"] = {.handler = resource_params, .owner_only = true};
  methods["sched-fluxion-resource.stats-get"] = {.handler = resource_stats};
  methods["sched-fluxion-resource.status"] = {.handler = resource_status, .owner_only = true};
}

}  // namespace fluxmetrics::simulate
