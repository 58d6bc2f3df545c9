// What the broker itself answers: who it is, how its tree is, which events a client wants.
#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "flux/hostlist.hpp"
#include "simulate/services.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

struct Attribute {
  std::string name;
  std::string value;
  int flags = 1;  // 1: it never changes
};

std::uint32_t quorum_of(const Options& options) {
  return options.quorum > 0 ? options.quorum : options.size;
}

std::vector<Attribute> attributes(Services& services, std::uint32_t rank) {
  const Resources& resources = services.instance().resources();
  const std::uint32_t size = services.instance().options().max_size;
  const std::string& socket = services.surroundings().socket;
  const std::string directory = socket.substr(0, socket.rfind('/'));
  std::vector<Attribute> all{
      {"size", std::to_string(size)},
      {"rank", std::to_string(rank)},
      {"hostlist", resources.hostlist()},
      {"hostname", resources.hosts().at(rank)},
      {"version", services.instance().options().release.text(), 0},
      {"instance-level", services.instance().options().parent_uri.empty() ? "0" : "1"},
      {"local-uri", "local://" + socket},
      {"broker.boot-method", services.instance().options().discovers ? "simple" : "config"},
      {"broker.starttime", fmt::format("{:.2f}", services.instance().started())},
      {"broker.quorum", std::to_string(quorum_of(services.instance().options()))},
      {"broker.pid", std::to_string(::getpid())},
      {"broker.critical-ranks", "0"},
      {"broker.mapping", fmt::format("[[0,{},1,1]]", size)},
      {"security.owner", std::to_string(services.surroundings().userid)},
      {"tbon.topo", "kary:256", 0},
      {"tbon.level", rank == 0 ? "0" : "1", 0},
      {"tbon.maxlevel", size > 1 ? "1" : "0", 0},
      {"tbon.descendants", rank == 0 ? std::to_string(size - 1) : "0", 0},
      {"jobid-path", "/"},
      {"rundir", directory, 0},
      {"statedir", directory, 0}};
  // A top instance has no such attribute.
  if (const std::string& parent = services.instance().options().parent_uri; !parent.empty())
    all.push_back({.name = "parent-uri", .value = parent});
  return all;
}

// attr and the like exist on every rank; the client may name one.
std::uint32_t rank_of(const Request& request) {
  const std::uint32_t rank = request.message().nodeid();
  return rank == flux::nodeid_any ? 0 : rank;
}

Answered attr_get(Services& services, const Request& request) {
  Fields fields(request);
  const std::string name = fields.string("name");
  if (!fields.ok()) return request.fail(EPROTO);
  for (const Attribute& attribute : attributes(services, rank_of(request)))
    if (attribute.name == name)
      return request.respond(json::object{{"value", attribute.value}, {"flags", attribute.flags}});
  return request.fail(ENOENT);
}

Answered attr_list(Services& services, const Request& request) {
  json::array names;
  for (const Attribute& attribute : attributes(services, rank_of(request)))
    names.emplace_back(attribute.name);
  return request.respond(json::object{{"names", std::move(names)}});
}

void add_fluxion(json::object& config, const FluxionOptions& options) {
  json::object queues;
  if (options.queue_policy) queues["queue-policy"] = name_of(*options.queue_policy);
  std::string per_queue;
  for (const auto& [queue, policy] : options.policy_of_queue)
    per_queue += fmt::format("{}{}:{}", per_queue.empty() ? "" : " ", queue, name_of(policy));
  if (!per_queue.empty()) queues["queue-policy-per-queue"] = per_queue;
  if (!queues.empty()) config["sched-fluxion-qmanager"] = std::move(queues);
  json::object resource;
  if (options.match_policy) resource["match-policy"] = options.match_policy->name;
  if (options.prune_filters) resource["prune-filters"] = *options.prune_filters;
  if (!resource.empty()) config["sched-fluxion-resource"] = std::move(resource);
}

// The TOML that would make a real instance like this one.
Answered config_get(Services& services, const Request& request) {
  const Options& options = services.instance().options();
  const Resources& resources = services.instance().resources();
  json::object first{{"hosts", resources.hostlist()},
                     {"cores", flux::IdSet::range(0, options.cores - 1).to_string()}};
  if (options.gpus > 0) first["gpus"] = flux::IdSet::range(0, options.gpus - 1).to_string();
  json::array config{std::move(first)};
  json::object queues;
  for (const QueueOptions& queue : options.queues) {
    json::object entry;
    if (queue.ranks) {
      entry["requires"] = json::array{queue.name};
      std::vector<std::string> hosts;
      for (const flux::IdSet::Id rank : *queue.ranks)
        hosts.push_back(resources.hosts().at(rank));
      config.push_back(
          json::object{{"hosts", flux::compress_hostlist(hosts)}, {"properties", json::array{queue.name}}});
    }
    queues[queue.name] = std::move(entry);
  }
  json::object resource{{"noverify", true}, {"config", std::move(config)}};
  if (options.discovers) resource = {{"noverify", true}};
  if (!options.excluded.empty()) resource["exclude"] = options.excluded.to_string();
  json::object all{{"resource", std::move(resource)}};
  json::object access;
  if (options.guests) access["allow-guest-user"] = true;
  if (options.private_mode) access["private-mode"] = true;
  if (!access.empty()) all["access"] = std::move(access);
  if (!queues.empty()) all["queues"] = std::move(queues);
  if (options.fluxion) add_fluxion(all, *options.fluxion);
  return request.respond(all);
}

Answered state_machine_get(Services& services, const Request& request) {
  const Instance& instance = services.instance();
  const Lifecycle& life = instance.lifecycle();
  return request.respond(json::object{{"state", life.name()}, {"duration", instance.now() - life.since()}});
}

Answered module_list(Services& services, const Request& request) {
  const auto module = [](std::string_view name, json::array offered) {
    return json::object{
        {"name", name},   {"path", "simulated"}, {"idle", 0}, {"status", 1}, {"services", std::move(offered)},
        {"sendqueue", 0}, {"recvqueue", 0}};
  };
  json::array modules;
  for (const std::string_view name :
       {"config", "event", "groups", "heartbeat", "job-info", "job-ingest", "job-list", "job-manager", "kvs",
        "overlay", "resource", "simulate", "state-machine"})
    modules.push_back(module(name, {name}));
  if (services.instance().has_scheduler() && services.instance().options().fluxion) {
    modules.push_back(module("sched-fluxion-feasibility", {"sched-fluxion-feasibility", "feasibility"}));
    modules.push_back(module("sched-fluxion-qmanager", {"sched-fluxion-qmanager", "sched"}));
    modules.push_back(module("sched-fluxion-resource", {"sched-fluxion-resource"}));
  } else if (services.instance().has_scheduler()) {
    modules.push_back(module("sched-simple", {"sched-simple", "feasibility", "sched"}));
  }
  return request.respond(json::object{{"mods", std::move(modules)}});
}

Answered groups_get(Services& services, const Request& request) {
  Fields fields(request);
  std::string name = fields.string("name");
  if (!fields.ok()) return request.fail(EPROTO);
  return services.streams().groups(request, std::move(name));
}

Answered overlay_health(Services& services, const Request& request) {
  const std::uint32_t rank = rank_of(request);
  if (rank == 0) return services.streams().health(request);
  // A leaf of the tree: it has nobody below, and its own word that it is well.
  const Nodes::Node& node = services.instance().resources().nodes().all().at(rank);
  return request.respond(json::object{{"rank", rank},
                                      {"status", "full"},
                                      {"duration", services.instance().now() - node.since},
                                      {"children", json::array()}});
}

// All brokers are children of rank 0, as in a MiniCluster.
Answered overlay_topology(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t rank = fields.integer("rank");
  const std::uint32_t size = services.instance().options().max_size;
  if (!fields.ok()) return request.fail(EPROTO);
  if (rank < 0 || rank >= size) return request.fail(ENOENT);
  json::array children;
  for (std::uint32_t child = 1; rank == 0 && child < size; ++child)
    children.push_back(json::object{{"rank", child}, {"size", 1}, {"children", json::array()}});
  return request.respond(
      json::object{{"rank", rank}, {"size", rank == 0 ? size : 1}, {"children", std::move(children)}});
}

Answered heartbeat_stats(Services& services, const Request& request) {
  const Instance& instance = services.instance();
  const auto beats = static_cast<std::int64_t>((instance.now() - instance.started()) / 2.0);
  return request.respond(
      json::object{{"period", 2.0}, {"timeout", 300.0}, {"count", beats}, {"warn_thresh", 3}});
}

Answered event_subscribe(Services& services, const Request& request) {
  Fields fields(request);
  const std::string topic = fields.string("topic");
  const auto peer = request.peer();
  if (!fields.ok()) return request.fail(EPROTO);
  if (peer != nullptr) services.streams().subscribe(peer, topic);
  return request.respond_unsigned(0);
}

Answered event_unsubscribe(Services& services, const Request& request) {
  Fields fields(request);
  const std::string topic = fields.string("topic");
  const auto peer = request.peer();
  if (!fields.ok()) return request.fail(EPROTO);
  const bool was = peer != nullptr && services.streams().unsubscribe(*peer, topic);
  return request.respond_unsigned(was ? 0 : ENOENT);
}

}  // namespace

void add_broker_methods(Services::Table& methods) {
  methods["attr.get"] = {.handler = attr_get, .needs_payload = true};
  methods["attr.list"] = {.handler = attr_list};
  methods["config.get"] = {.handler = config_get};
  methods["state-machine.get"] = {.handler = state_machine_get};
  methods["module.list"] = {.handler = module_list};
  methods["groups.get"] = {.handler = groups_get, .needs_payload = true};
  methods["overlay.health"] = {.handler = overlay_health};
  methods["overlay.topology"] = {.handler = overlay_topology, .needs_payload = true};
  methods["heartbeat.stats-get"] = {.handler = heartbeat_stats, .owner_only = true};
  methods["event.subscribe"] = {.handler = event_subscribe, .needs_payload = true};
  methods["event.unsubscribe"] = {.handler = event_unsubscribe, .needs_payload = true};
}

}  // namespace fluxmetrics::simulate
