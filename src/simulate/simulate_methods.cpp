// What only a simulated broker answers: what happens to it on command, and what time it is.
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "simulate/services.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

Answered online(Services& services, const Request& request) {
  Fields fields(request);
  const std::string text = fields.string("ranks");
  if (!fields.ok()) return request.fail(EPROTO);
  const auto ranks = flux::IdSet::parse(text);
  if (!ranks) return request.fail(EINVAL, ranks.error().message);
  return request.respond(services.instance().online(*ranks));
}

std::optional<Departure> departure(std::string_view name) {
  if (name == "deleted") return Departure::deleted;
  if (name == "lost") return Departure::lost;
  if (name == "shutdown") return Departure::shutdown;
  return std::nullopt;
}

Answered offline(Services& services, const Request& request) {
  Fields fields(request);
  const std::string text = fields.string("ranks");
  const std::string name = fields.maybe_string("how").value_or("deleted");
  if (!fields.ok()) return request.fail(EPROTO);
  const auto how = departure(name);
  if (!how) return request.fail(EINVAL, "how is '" + name + "': it must be 'deleted', 'lost' or 'shutdown'");
  const auto ranks = flux::IdSet::parse(text);
  if (!ranks) return request.fail(EINVAL, ranks.error().message);
  return request.respond(services.instance().offline(*ranks, *how));
}

Answered torpid(Services& services, const Request& request) {
  Fields fields(request);
  const std::string text = fields.string("ranks");
  const bool value = fields.boolean("torpid");
  if (!fields.ok()) return request.fail(EPROTO);
  const auto ranks = flux::IdSet::parse(text);
  if (!ranks) return request.fail(EINVAL, ranks.error().message);
  return request.respond(services.instance().set_torpid(*ranks, value));
}

Answered scheduler(Services& services, const Request& request) {
  Fields fields(request);
  const bool loaded = fields.boolean("loaded");
  if (!fields.ok()) return request.fail(EPROTO);
  services.instance().set_scheduler(loaded);
  return request.respond();
}

Answered shut_down(Services& services, const Request& request) {
  services.instance().shut_down();
  return request.respond();
}

Answered clock(Services& services, const Request& request) {
  const Instance& instance = services.instance();
  return request.respond(json::object{{"now", instance.now()}, {"speed", instance.options().speed}});
}

// What clients asked for; steering the simulation is not among it.
Answered stats(Services& services, const Request& request) {
  json::object topics;
  std::uint64_t all = 0;
  for (const auto& [topic, count] : services.received()) {
    if (topic.starts_with("simulate.")) continue;
    topics[topic] = count;
    all += count;
  }
  return request.respond(json::object{{"requests", all}, {"topics", std::move(topics)}});
}

}  // namespace

void add_simulate_methods(Services::Table& methods) {
  methods["simulate.online"] = {.handler = online, .owner_only = true, .needs_payload = true};
  methods["simulate.offline"] = {.handler = offline, .owner_only = true, .needs_payload = true};
  methods["simulate.torpid"] = {.handler = torpid, .owner_only = true, .needs_payload = true};
  methods["simulate.scheduler"] = {.handler = scheduler, .owner_only = true, .needs_payload = true};
  methods["simulate.shutdown"] = {.handler = shut_down, .owner_only = true};
  methods["simulate.stats"] = {.handler = stats};
  methods["simulate.clock"] = {.handler = clock};
}

}  // namespace fluxmetrics::simulate
