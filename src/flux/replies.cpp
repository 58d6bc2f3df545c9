#include "flux/replies.hpp"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "flux/fields.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_reason = 500;  // of a drain

// The resource set at `key`; an empty one when the key is absent.
ResourceSet read_set(Fields& in, std::string_view key) {
  const auto* value = in.any(key);
  if (value == nullptr) return {};
  auto set = ResourceSet::from_json(*value);
  if (set) return *std::move(set);
  in.fail_with(
      {.code = Code::protocol, .message = fmt::format("{}: {}: {}", in.what(), key, set.error().message)});
  return {};
}

}  // namespace

Result<ResourceStatus> ResourceStatus::from_json(const json::value& value) {
  Fields in(value, "resource.status");
  ResourceStatus status;
  status.resources = read_set(in, "R");
  status.online = in.idset("online");
  status.offline = in.idset("offline");
  status.exclude = in.idset("exclude");
  status.torpid = in.idset("torpid");
  const auto* drains = in.object("drain");
  // Sets that nobody tells are not empty; but torpid came late.
  for (const std::string_view key : {"R", "online", "offline"})
    in.require(key);
  if (!in.ok()) return in.error();
  if (drains == nullptr) return status;
  for (const auto& [ranks, details] : *drains) {
    auto set = IdSet::parse(ranks);
    if (!set) return fail(Code::protocol, "resource.status: drain: {}", set.error().message);
    Fields about(details, "resource.status: drain");
    status.drains.push_back({.ranks = *std::move(set),
                             .timestamp = about.number("timestamp").value_or(0),
                             .reason = printable(about.text("reason").value_or(""), longest_reason)});
    if (!about.ok()) return about.error();
  }
  return status;
}

json::value ResourceStatus::to_json() const {
  json::object drain;
  for (const Drain& entry : drains) {
    drain[entry.ranks.to_string()] = json::object{{"timestamp", entry.timestamp}, {"reason", entry.reason}};
  }
  return json::object{{"R", resources.to_json()},       {"drain", std::move(drain)},
                      {"online", online.to_string()},   {"offline", offline.to_string()},
                      {"exclude", exclude.to_string()}, {"torpid", torpid.to_string()}};
}

Result<SchedStatus> SchedStatus::from_json(const json::value& value) {
  Fields in(value, "sched-status");
  in.require("all");
  SchedStatus status{
      .all = read_set(in, "all"), .down = read_set(in, "down"), .allocated = read_set(in, "allocated")};
  if (!in.ok()) return in.error();
  return status;
}

json::value SchedStatus::to_json() const {
  return json::object{{"all", all.to_json()}, {"down", down.to_json()}, {"allocated", allocated.to_json()}};
}

Result<QueueStatus> QueueStatus::from_json(const json::value& value) {
  Fields in(value, "queue-status");
  QueueStatus status{.enable = in.boolean("enable").value_or(true),
                     .start = in.boolean("start").value_or(true),
                     .disable_reason = in.text("disable_reason"),
                     .stop_reason = in.text("stop_reason"),
                     .blocked = in.text("blocked")};
  if (!in.ok()) return in.error();
  return status;
}

json::value QueueStatus::to_json() const {
  json::object out{{"enable", enable}, {"start", start}};
  if (disable_reason) out["disable_reason"] = *disable_reason;
  if (stop_reason) out["stop_reason"] = *stop_reason;
  if (blocked) out["blocked"] = *blocked;
  return out;
}

Result<JournalReply> JournalReply::from_json(const json::value& value) {
  Fields in(value, "events-journal");
  JournalReply reply;
  const auto id = in.integer("id");
  auto events = read_events(in);
  if (!in.ok()) return in.error();
  if (!events) return std::unexpected(events.error());
  if (!id) return fail(Code::protocol, "events-journal: id is missing");
  reply.id = *id;
  reply.events = *std::move(events);
  if (const auto* jobspec = in.any("jobspec")) reply.jobspec = *jobspec;
  if (const auto* R = in.any("R")) reply.R = *R;
  return reply;
}

json::value JournalReply::to_json() const {
  json::object out{{"id", id}, {"events", write_events(events)}};
  if (jobspec) out["jobspec"] = *jobspec;
  if (R) out["R"] = *R;
  return out;
}

Result<ResourceJournalReply> ResourceJournalReply::from_json(const json::value& value) {
  Fields in(value, "resource.journal");
  auto events = read_events(in);
  ResourceJournalReply reply;
  if (in.any("R") != nullptr) reply.R = read_set(in, "R");
  if (!in.ok()) return in.error();
  if (!events) return std::unexpected(events.error());
  reply.events = *std::move(events);
  return reply;
}

json::value ResourceJournalReply::to_json() const {
  json::object out{{"events", write_events(events)}};
  if (R) out["R"] = R->to_json();
  return out;
}

}  // namespace fluxmetrics::flux
