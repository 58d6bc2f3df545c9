// What job-ingest and job-manager answer: submission, queues, and what happens to jobs.
#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "simulate/services.hpp"
#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

// sched-simple holds at most so many requests at a time, the rest wait in job-manager; Fluxion takes all.
constexpr std::size_t scheduler_depth = 8;

Answered submit(Services& services, const Request& request) {
  Fields fields(request);
  Submission submission;
  submission.J = fields.string("J");
  submission.urgency = fields.integer("urgency");
  submission.userid = request.userid();
  static_cast<void>(fields.integer("flags"));
  if (!fields.ok()) return request.fail(EPROTO, "error decoding job request: Protocol error");
  if (!request.owner()) return request.fail(EPERM, "only instance owner can use sign-type=none");
  services.instance().timers().after(timing::ingest, [&services, request, submission] {
    const auto id = services.instance().jobs().submit(submission);
    if (!id) return request.fail(id.error().errnum, id.error().message);
    return request.respond(json::object{{"id", *id}});
  });
  return Request::later();
}

Answered resource_status(Services& services, const Request& request) {
  return request.respond(json::object{{"allocated", services.instance().resources().allocated().to_json()}});
}

// In private mode guests get no sums over the jobs of others.
bool hidden(Services& services, const Request& request) {
  return services.instance().options().private_mode && !request.owner();
}

Answered manager_stats(Services& services, const Request& request) {
  if (hidden(services, request)) return request.fail(EPERM);
  const Jobs& jobs = services.instance().jobs();
  const auto inactive = static_cast<std::size_t>(jobs.stats().all.states.inactive);
  std::size_t events = 0;
  for (const auto& [id, job] : jobs.all())
    events += job.eventlog.size();
  return request.respond(json::object{
      {"journal", json::object{{"listeners", services.streams().count(Streams::Kind::events_journal)},
                               {"events", events}}},
      {"active_jobs", jobs.all().size() - inactive},
      {"inactive_jobs", inactive},
      {"max_jobid", jobs.max_id()},
      {"housekeeping", json::object{{"running", json::object()},
                                    {"config", json::object{{"release-after", -1.0}, {"command", ""}}}}}});
}

Answered getinfo(Services& services, const Request& request) {
  if (hidden(services, request)) return request.fail(EPERM);
  return request.respond(json::object{{"max_jobid", services.instance().jobs().max_id()}});
}

Answered alloc_query(Services& services, const Request& request) {
  const Jobs& jobs = services.instance().jobs();
  const std::size_t waiting = jobs.eligible();
  const std::size_t handed_over =
      services.instance().options().fluxion ? waiting : std::min(waiting, scheduler_depth);
  const auto& states = jobs.stats().all.states;
  return request.respond(json::object{{"queue_length", waiting - handed_over},
                                      {"alloc_pending", handed_over},
                                      {"running", states.run + states.cleanup}});
}

Answered queue_list(Services& services, const Request& request) {
  json::array names;
  for (const QueueOptions& queue : services.instance().options().queues)
    names.emplace_back(queue.name);
  return request.respond(json::object{{"queues", std::move(names)}});
}

Answered queue_status(Services& services, const Request& request) {
  Fields fields(request);
  const auto name = fields.maybe_string("name");
  if (!fields.ok()) return request.fail(EPROTO);
  const Queues& queues = services.instance().queues();
  const auto index = queues.find(name);
  if (!index) return request.fail(index.error().errnum, index.error().message);
  flux::QueueStatus status = queues.all()[*index].status;
  if (!services.instance().has_scheduler()) {
    if (status.start && !services.instance().options().release.before(since::blocked))
      status.blocked = "scheduler";
    status.start = false;
    status.stop_reason = "Scheduler is offline";
  }
  return request.respond(status.to_json());
}

Answered queue_start(Services& services, const Request& request) {
  Fields fields(request);
  const bool start = fields.boolean("start");
  const bool all = fields.boolean("all");
  const auto name = fields.maybe_string("name");
  const auto reason = fields.maybe_string("reason");
  if (!fields.ok()) return request.fail(EPROTO);
  return request.respond(services.instance().start_queue(name, all, start, reason));
}

Answered queue_enable(Services& services, const Request& request) {
  Fields fields(request);
  const bool enable = fields.boolean("enable");
  const bool all = fields.boolean("all");
  const auto name = fields.maybe_string("name");
  const auto reason = fields.maybe_string("reason");
  if (!fields.ok()) return request.fail(EPROTO);
  return request.respond(services.instance().queues().enable(name, all, enable, reason));
}

std::set<std::string> keys_of(const json::value* value) {
  std::set<std::string> keys;
  if (value != nullptr && value->is_object())
    for (const auto& member : value->get_object())
      keys.emplace(member.key());
  return keys;
}

Answered events_journal(Services& services, const Request& request) {
  if (!request.streaming()) return request.fail(EPROTO, "job-manager.events requires streaming RPC flag");
  Fields fields(request);
  const bool full = fields.flag("full");
  for (const std::string_view filter : {"allow", "deny"})
    if (fields.maybe(filter) != nullptr && !fields.maybe(filter)->is_object())
      return request.fail(EPROTO,
                          std::string("job-manager.events ") + std::string(filter) + " should be an object");
  if (!fields.ok()) return request.fail(EPROTO);
  std::optional<std::set<std::string>> allow;
  if (fields.maybe("allow") != nullptr) allow = keys_of(fields.maybe("allow"));
  return services.streams().events_journal(request, full, std::move(allow), keys_of(fields.maybe("deny")));
}

Answered events_journal_cancel(Services& services, const Request& request) {
  Fields fields(request);
  const auto matchtag = static_cast<std::uint32_t>(fields.integer("matchtag"));
  if (!fields.ok()) return Request::silent();
  return services.streams().cancel(request, Streams::Kind::events_journal, matchtag);
}

Answered list_jobs(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t max = fields.integer("max_entries");
  if (!fields.ok() || max < 0) return request.fail(EPROTO);
  json::array jobs;
  for (const auto& [id, job] : services.instance().jobs().all()) {
    if (!job.active()) continue;
    if (max > 0 && jobs.size() == static_cast<std::size_t>(max)) break;
    json::object entry{{"id", id},
                       {"userid", job.userid},
                       {"urgency", job.urgency},
                       {"priority", job.priority.value_or(-1)},
                       {"t_submit", job.t_submit},
                       {"state", static_cast<std::uint32_t>(job.state)}};
    if (!job.annotations.empty()) entry["annotations"] = job.annotations;
    jobs.push_back(std::move(entry));
  }
  return request.respond(json::object{{"jobs", std::move(jobs)}});
}

Answered raise(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t id = fields.integer("id");
  const std::int64_t severity = fields.integer("severity");
  std::string type = fields.string("type");
  std::string note = fields.maybe_string("note").value_or("");
  if (!fields.ok()) return request.fail(EPROTO);
  if (!request.owner()) return request.fail(EPERM, "guests can only raise exceptions on their own jobs");
  return request.respond(
      services.instance().jobs().raise(id, std::move(type), severity, std::move(note), request.userid()));
}

// Ids of active jobs in one of `states` that belong to `userid` (0xffffffff: to anybody).
std::vector<flux::JobId> matching(Services& services, std::int64_t userid, std::int64_t states) {
  std::vector<flux::JobId> ids;
  for (const auto& [id, job] : services.instance().jobs().all()) {
    const bool user = userid == -1 || userid == 0xffffffff || userid == job.userid;
    if (job.active() && user && (static_cast<std::int64_t>(job.state) & states) != 0) ids.push_back(id);
  }
  return ids;
}

Answered raise_all(Services& services, const Request& request) {
  Fields fields(request);
  const bool dry_run = fields.boolean("dry_run");
  const std::int64_t userid = fields.integer("userid");
  const std::int64_t states = fields.integer("states");
  const std::int64_t severity = fields.integer("severity");
  const std::string type = fields.string("type");
  const std::string note = fields.maybe_string("note").value_or("");
  if (!fields.ok()) return request.fail(EPROTO);
  if (!request.owner()) return request.fail(EPERM, "guests can only raise exceptions on their own jobs");
  const auto ids = matching(services, userid, states);
  int errors = 0;
  for (const flux::JobId id : ids)
    if (!dry_run && !services.instance().jobs().raise(id, type, severity, note, request.userid())) ++errors;
  return request.respond(json::object{{"count", ids.size()}, {"errors", errors}});
}

Answered kill(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t id = fields.integer("id");
  const std::int64_t signal = fields.integer("signum");
  if (!fields.ok()) return request.fail(EPROTO);
  if (!request.owner()) return request.fail(EPERM, "guests may only send signals to their own jobs");
  return request.respond(services.instance().jobs().kill(id, signal));
}

Answered kill_all(Services& services, const Request& request) {
  Fields fields(request);
  const bool dry_run = fields.boolean("dry_run");
  const std::int64_t userid = fields.integer("userid");
  const std::int64_t signal = fields.integer("signum");
  if (!fields.ok()) return request.fail(EPROTO);
  if (!request.owner()) return request.fail(EPERM, "guests may only send signals to their own jobs");
  const auto ids = matching(services, userid, static_cast<std::int64_t>(flux::JobState::run));
  int errors = 0;
  for (const flux::JobId id : ids)
    if (!dry_run && !services.instance().jobs().kill(id, signal)) ++errors;
  return request.respond(json::object{{"count", ids.size()}, {"errors", errors}});
}

Answered urgency(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t id = fields.integer("id");
  const std::int64_t value = fields.integer("urgency");
  if (!fields.ok()) return request.fail(EPROTO);
  if (!request.owner()) return request.fail(EPERM, "guests can only reprioritize their own jobs");
  const auto before = services.instance().jobs().set_urgency(id, value, request.userid());
  if (!before) return request.fail(before.error().errnum, before.error().message);
  return request.respond(json::object{{"old_urgency", *before}});
}

Answered getattr(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t id = fields.integer("id");
  const json::array& attrs = fields.array("attrs");
  if (!fields.ok()) return request.fail(EPROTO);
  const Job* job = services.instance().jobs().find(id);
  const bool secret = hidden(services, request);
  if (job == nullptr || !job->active())
    return secret ? request.fail(EPERM) : request.fail(EINVAL, "unknown job");
  if (!request.owner() && job->userid != request.userid())
    return request.fail(EPERM, secret ? "" : "guests can only access their own jobs");
  json::object reply;
  for (const json::value& attr : attrs) {
    const std::string name = attr.is_string() ? std::string(attr.get_string()) : "";
    if (name == "jobspec") {
      reply["jobspec"] = without_environment(*job->jobspec);
    } else if (name == "R") {
      if (!job->R) return request.fail(ENOENT, "R is NULL");
      reply["R"] = R_of(*job);
    } else {
      return request.fail(ENOENT, "unknown attr " + name);
    }
  }
  return request.respond(reply);
}

Answered purge(Services& services, const Request& request) {
  Fields fields(request);
  const double age = fields.number("age_limit");
  const std::int64_t number = fields.integer("num_limit");
  const bool force = fields.boolean("force");
  if (!fields.ok()) return request.fail(EPROTO);
  const std::size_t count = services.instance().jobs().purge(
      number < 0 ? std::nullopt : std::optional<std::size_t>(static_cast<std::size_t>(number)),
      age < 0 ? std::nullopt : std::optional<double>(age), force);
  return request.respond(json::object{{"count", count}});
}

}  // namespace

void add_job_manager_methods(Services::Table& methods) {
  methods["job-ingest.submit"] = {.handler = submit, .needs_payload = true};
  methods["job-manager.resource-status"] = {.handler = resource_status, .owner_only = true};
  methods["job-manager.stats-get"] = {.handler = manager_stats};
  methods["job-manager.getinfo"] = {.handler = getinfo};
  methods["job-manager.alloc-query"] = {.handler = alloc_query};
  methods["job-manager.queue-list"] = {.handler = queue_list};
  methods["job-manager.queue-status"] = {.handler = queue_status, .needs_payload = true};
  methods["job-manager.queue-start"] = {.handler = queue_start, .owner_only = true, .needs_payload = true};
  methods["job-manager.queue-enable"] = {.handler = queue_enable, .owner_only = true, .needs_payload = true};
  methods["job-manager.events-journal"] = {.handler = events_journal, .owner_only = true};
  methods["job-manager.events-journal-cancel"] = {.handler = events_journal_cancel};
  methods["job-manager.list"] = {.handler = list_jobs, .owner_only = true, .needs_payload = true};
  methods["job-manager.raise"] = {.handler = raise, .needs_payload = true};
  methods["job-manager.raiseall"] = {.handler = raise_all, .needs_payload = true};
  methods["job-manager.kill"] = {.handler = kill, .needs_payload = true};
  methods["job-manager.killall"] = {.handler = kill_all, .needs_payload = true};
  methods["job-manager.urgency"] = {.handler = urgency, .needs_payload = true};
  methods["job-manager.getattr"] = {.handler = getattr, .needs_payload = true};
  methods["job-manager.purge"] = {.handler = purge, .owner_only = true, .needs_payload = true};
}

}  // namespace fluxmetrics::simulate
