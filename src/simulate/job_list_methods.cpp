// What job-list and job-info answer: which jobs there are, and what is kept about each.
#include <cerrno>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>

#include <boost/json/serialize.hpp>

#include "simulate/job_filter.hpp"
#include "simulate/job_view.hpp"
#include "simulate/services.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

// In private mode guests see no jobs but their own, and no sums over those of others.
bool restricted(Services& services, const Request& request) {
  return services.instance().options().private_mode && !request.owner();
}

Answered job_stats(Services& services, const Request& request) {
  if (restricted(services, request)) return request.fail(EPERM);
  return services.streams().job_stats(request);
}

Answered stats_get(Services& services, const Request& request) {
  if (restricted(services, request)) return request.fail(EPERM);
  const flux::JobStates& states = services.instance().jobs().stats().all.states;
  return request.respond(
      json::object{{"jobs", json::object{{"pending", states.depend + states.priority + states.sched},
                                         {"running", states.run + states.cleanup},
                                         {"inactive", states.inactive}}},
                   {"idsync", json::object{{"lookups", 0}, {"waits", 0}}},
                   {"stats_watchers", services.streams().count(Streams::Kind::job_stats)}});
}

Answered list_attrs(Services& /*services*/, const Request& request) {
  return request.respond(json::object{{"attrs", all_attributes()}});
}

// The filter of a request; before Flux 0.53 it was three numbers instead of a constraint.
Result<JobFilter> filter_of(const Fields& fields, const Release& release) {
  const bool modern = !release.before(since::list_constraint);
  if (const json::value* constraint = fields.maybe("constraint"); constraint != nullptr && modern)
    return read_filter(constraint->is_null() ? json::value(json::object()) : *constraint);
  json::array parts;
  for (const std::string_view name : {"userid", "states", "results"}) {
    const json::value* value = fields.maybe(name);
    if (value == nullptr && !modern)
      return fail_errno(Code::protocol, EPROTO, "invalid payload: Object item not found: {}", name);
    if (value == nullptr || !value->is_int64() || *value == json::value(0)) continue;
    parts.push_back(json::object{{name, json::array{*value}}});
  }
  return read_filter(json::object{{"and", std::move(parts)}});
}

struct ListQuery {
  std::size_t max = 0;
  double since = 0;
  JobView view;
  JobFilter filter;
  std::uint32_t states = 127;  // that jobs which pass may have
  Time earliest_sched = 0;     // likewise
};

// Attributes and constraints that a client asks for but this version does not know.
Result<void> check_age(const Release& release, const json::array& attrs, const json::value* constraint) {
  for (const json::value& attr : attrs) {
    const std::string_view name = attr.is_string() ? std::string_view(attr.get_string()) : std::string_view();
    if (release.before(since::sched_times) && (name == "t_sched" || name == "t_priority"))
      return fail_errno(Code::invalid, EINVAL, "{} is not a valid attribute", name);
  }
  if (constraint == nullptr || !release.before(since::rank_constraint)) return {};
  for (const std::string_view name : {"ranks", "hostlist"}) {
    if (json::serialize(*constraint).find(fmt::format("\"{}\":", name)) == std::string::npos) continue;
    return fail_errno(Code::protocol, EPROTO,
                      "invalid payload: constraint object invalid: unknown constraint operator: {}", name);
  }
  return {};
}

Result<ListQuery> read_query(const Request& request, const Release& release) {
  const auto bad = [](std::string_view what) {
    return fail_errno(Code::protocol, EPROTO, "invalid payload: {}", what);
  };
  Fields fields(request);
  for (const std::string_view name : {"max_entries", "attrs"})
    if (fields.ok() && fields.maybe(name) == nullptr)
      return bad(std::string("Object item not found: ") + std::string(name));
  const std::int64_t max = fields.integer("max_entries");
  const json::array& attrs = fields.array("attrs");
  const double since = fields.maybe_number("since").value_or(0);
  if (!fields.ok()) return bad("wrong type");
  if (max < 0) return bad("max_entries < 0 not allowed");
  if (auto known = check_age(release, attrs, fields.maybe("constraint")); !known)
    return std::unexpected(known.error());
  auto view = JobView::of(attrs);
  if (!view) return std::unexpected(view.error());
  auto filter = filter_of(fields, release);
  if (!filter) return std::unexpected(filter.error());
  const json::value* constraint = fields.maybe("constraint");
  return ListQuery{.max = static_cast<std::size_t>(max),
                   .since = since,
                   .view = std::move(*view),
                   .filter = std::move(*filter),
                   .states = constraint == nullptr ? 127 : possible_states(*constraint),
                   .earliest_sched = constraint == nullptr ? 0 : earliest_sched(*constraint)};
}

Answered list(Services& services, const Request& request) {
  const Release& release = services.instance().options().release;
  const auto query = read_query(request, release);
  if (!query) return request.fail(query.error().errnum, query.error().message);
  json::array jobs;
  const auto passes = [&](const Job& job) {
    return (job.active() || *job.t_inactive > query->since) && query->filter(job);
  };
  for (const Job* job :
       in_list_order(services.instance().jobs(), query->states, query->earliest_sched, passes)) {
    if (query->max > 0 && jobs.size() == query->max) break;
    if (restricted(services, request) && job->userid != request.userid()) continue;
    jobs.push_back(query->view.show(*job));
  }
  if (!request.streaming() || release.before(since::list_stream))
    return request.respond(json::object{{"jobs", std::move(jobs)}});
  bool first = true;
  for (json::value& job : jobs) {
    json::object reply{{"jobs", json::array{std::move(job)}}};
    if (std::exchange(first, false)) reply["version"] = 1;
    request.respond(reply);
  }
  return request.fail(ENODATA);
}

Answered list_id(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t id = fields.integer("id");
  const json::array& attrs = fields.array("attrs");
  if (!fields.ok()) return request.fail(EPROTO);
  const auto view = JobView::of(attrs);
  if (!view) return request.fail(view.error().errnum, view.error().message);
  const Job* job = services.instance().jobs().find(id);
  if (job == nullptr || (restricted(services, request) && job->userid != request.userid()))
    return request.fail(ENOENT);
  return request.respond(json::object{{"job", view->show(*job)}});
}

// One key of job-info.lookup; nothing when the job has no such thing (yet).
std::optional<json::value> info(const Job& job, std::string_view key, bool decode) {
  const auto shown = [&](json::value value) {
    return decode ? std::move(value) : json::value(json::serialize(value));
  };
  if (key == "jobspec") return shown(*job.jobspec);
  if (key == "R" && job.R) return shown(R_of(job));
  if (key == "eventlog") return json::value(eventlog_text(job.eventlog));
  if (key == "J") return json::value(*job.J);
  return std::nullopt;
}

Answered lookup(Services& services, const Request& request) {
  Fields fields(request);
  const std::int64_t id = fields.integer("id");
  const json::array& keys = fields.array("keys");
  const std::int64_t flags = fields.integer("flags");
  if (!fields.ok()) return request.fail(EPROTO);
  const Job* job = services.instance().jobs().find(id);
  if (job == nullptr) return request.fail(ENOENT, "invalid job id");
  if (!request.owner() && job->userid != request.userid())
    return request.fail(EPERM, "access is restricted to job/instance owner");
  json::object reply{{"id", id}};
  for (const json::value& key : keys) {
    const std::string name = key.is_string() ? std::string(key.get_string()) : "";
    auto value = info(*job, name, (flags & 1) != 0);
    if (!value) return request.fail(ENOENT, name + ": key not found");
    reply[name] = std::move(*value);
  }
  return request.respond(reply);
}

Answered eventlog_watch(Services& services, const Request& request) {
  if (!request.streaming())
    return request.fail(EPROTO, "eventlog-watch request rejected without streaming RPC flag");
  Fields fields(request);
  const std::int64_t id = fields.integer("id");
  const std::string path = fields.string("path");
  if (!fields.ok()) return request.fail(EPROTO);
  const Job* job = services.instance().jobs().find(id);
  if (job == nullptr || path != "eventlog") return request.fail(ENOENT);
  return services.streams().eventlog(request, *job);
}

Answered eventlog_watch_cancel(Services& services, const Request& request) {
  Fields fields(request);
  const auto matchtag = static_cast<std::uint32_t>(fields.integer("matchtag"));
  if (!fields.ok()) return Request::silent();
  return services.streams().cancel(request, Streams::Kind::eventlog, matchtag);
}

}  // namespace

void add_job_list_methods(Services::Table& methods) {
  methods["job-list.job-stats"] = {.handler = job_stats};
  methods["job-list.stats-get"] = {.handler = stats_get};
  methods["job-list.list-attrs"] = {.handler = list_attrs};
  methods["job-list.list"] = {.handler = list, .needs_payload = true};
  methods["job-list.list-id"] = {.handler = list_id, .needs_payload = true};
  methods["job-info.lookup"] = {.handler = lookup, .needs_payload = true};
  methods["job-info.eventlog-watch"] = {.handler = eventlog_watch, .needs_payload = true};
  methods["job-info.eventlog-watch-cancel"] = {.handler = eventlog_watch_cancel};
}

}  // namespace fluxmetrics::simulate
