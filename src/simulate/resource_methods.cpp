// What the resource module, the scheduler and the KVS answer about nodes.
#include <cerrno>
#include <string>

#include <boost/json/serialize.hpp>

#include "simulate/base64.hpp"
#include "simulate/services.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

Answered status(Services& services, const Request& request) {
  json::value shown = services.instance().resources().status().to_json();
  if (services.instance().options().release.before(since::torpid_status)) shown.as_object().erase("torpid");
  return request.respond(shown);
}

Answered sched_status(Services& services, const Request& request) {
  return request.respond(services.instance().resources().sched_status().to_json());
}

// The scheduler itself; the one written in Python answers its owner only.
bool refuses_guests(Services& services) {
  return !services.instance().options().release.before(since::private_scheduler);
}

Answered scheduler_status(Services& services, const Request& request) {
  if (services.instance().options().fluxion)
    return request.respond(fluxion_status(services.instance().resources().sched_status()));
  if (!request.owner() && refuses_guests(services))
    return request.fail(EPERM, "Request requires owner credentials");
  return request.respond(services.instance().resources().scheduler_status().to_json());
}

Answered get(Services& services, const Request& request) {
  return request.respond(json::object{{"R", services.instance().resources().all().to_json()},
                                      {"method", services.instance().resources().method()}});
}

Answered journal(Services& services, const Request& request) {
  if (!request.streaming()) return request.fail(EPROTO, "journal requires streaming RPC flag");
  return services.streams().resource_journal(request);
}

Answered journal_cancel(Services& services, const Request& request) {
  Fields fields(request);
  const auto matchtag = static_cast<std::uint32_t>(fields.integer("matchtag"));
  if (!fields.ok()) return Request::silent();
  return services.streams().cancel(request, Streams::Kind::resource_journal, matchtag);
}

Answered drain(Services& services, const Request& request) {
  Fields fields(request);
  const std::string targets = fields.string("targets");
  const auto reason = fields.maybe_string("reason");
  const auto mode = fields.maybe_string("mode");
  if (!fields.ok()) return request.fail(EPROTO);
  return request.respond(services.instance().resources().drain(targets, reason, mode));
}

Answered undrain(Services& services, const Request& request) {
  Fields fields(request);
  const std::string targets = fields.string("targets");
  const auto reason = fields.maybe_string("reason");
  const auto mode = fields.maybe_string("mode");
  if (!fields.ok()) return request.fail(EPROTO);
  if (services.instance().options().release.before(since::undrain_mode))
    return request.respond(services.instance().resources().undrain(targets, std::nullopt, std::nullopt));
  return request.respond(services.instance().resources().undrain(targets, reason, mode));
}

// The one client of resource.acquire is the scheduler, which has it.
Answered acquire(Services& services, const Request& request) {
  if (services.instance().has_scheduler()) return request.fail(EBUSY);
  return request.fail(ENOSYS, "the simulated instance lends its resources to no other scheduler");
}

Answered feasibility_check(Services& services, const Request& request) {
  if (!request.owner() && (refuses_guests(services) || services.instance().options().fluxion))
    return request.fail(EPERM, "Request requires owner credentials");
  Fields fields(request);
  const json::value* jobspec = fields.maybe("jobspec");
  if (jobspec == nullptr || !jobspec->is_object()) return request.fail(EPROTO);
  const Resources& resources = services.instance().resources();
  const auto terms = read_terms(jobspec->get_object());
  if (!terms) return request.fail(terms.error().errnum, terms.error().message);
  const auto hosts = resources.all().hosts();
  const flux::Shape& shape = terms->request.shape;
  const flux::IdSet admitted =
      hosts ? shape.constraint.admitted(resources.all(), *hosts) & resources.schedulable() : flux::IdSet();
  return request.respond(services.instance().scheduler().feasible(shape, admitted));
}

// "job.0000.033d.6800.0000.KEY": four groups of four hex digits. Nothing when `key` is not like that.
std::optional<std::pair<flux::JobId, std::string_view>> job_key(std::string_view key) {
  if (!key.starts_with("job.") || key.size() < 24 || key[23] != '.') return std::nullopt;
  std::uint64_t id = 0;
  for (std::size_t i = 4; i < 23; ++i) {
    if ((i - 4) % 5 == 4) {
      if (key[i] != '.') return std::nullopt;
      continue;
    }
    const std::size_t digit = std::string_view("0123456789abcdef").find(key[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    id = id << 4U | digit;
  }
  return std::pair(static_cast<flux::JobId>(id), key.substr(24));
}

std::optional<std::string> kvs_value(Services& services, std::string_view key) {
  const Resources& resources = services.instance().resources();
  if (key == "resource.R") return json::serialize(resources.all().to_json());
  if (key == "resource.eventlog") return resources.kvs_eventlog();
  const auto job_and_key = job_key(key);
  if (!job_and_key) return std::nullopt;
  const Job* job = services.instance().jobs().find(job_and_key->first);
  if (job == nullptr) return std::nullopt;
  if (job_and_key->second == "eventlog") return eventlog_text(job->eventlog);
  if (job_and_key->second == "jobspec") return json::serialize(*job->jobspec);
  if (job_and_key->second == "J") return *job->J;
  if (job_and_key->second == "R" && job->R) return json::serialize(R_of(*job));
  return std::nullopt;
}

Answered kvs_lookup(Services& services, const Request& request) {
  Fields fields(request);
  const std::string key = fields.string("key");
  if (!fields.ok()) return request.fail(EPROTO);
  if (!request.owner()) return request.fail(EPERM);
  const auto value = kvs_value(services, key);
  if (!value) return request.fail(ENOENT);
  return request.respond(
      json::object{{"val", json::object{{"ver", 1}, {"type", "val"}, {"data", encode_base64(*value)}}}});
}

}  // namespace

void add_resource_methods(Services::Table& methods) {
  methods["resource.status"] = {.handler = status};
  methods["resource.sched-status"] = {.handler = sched_status};
  methods["sched.resource-status"] = {.handler = scheduler_status};
  methods["resource.get"] = {.handler = get, .owner_only = true};
  methods["resource.journal"] = {.handler = journal, .owner_only = true};
  methods["resource.journal-cancel"] = {.handler = journal_cancel};
  methods["resource.drain"] = {.handler = drain, .owner_only = true, .needs_payload = true};
  methods["resource.undrain"] = {.handler = undrain, .owner_only = true, .needs_payload = true};
  methods["resource.acquire"] = {.handler = acquire, .owner_only = true};
  methods["feasibility.check"] = {.handler = feasibility_check, .needs_payload = true};
  methods["kvs.lookup"] = {.handler = kvs_lookup, .needs_payload = true};
}

}  // namespace fluxmetrics::simulate
