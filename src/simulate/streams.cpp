#include "simulate/streams.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/json/serialize.hpp>

#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

// Who forwards an event is part of the message; a simulated broker has one connection to itself.
constexpr std::string_view connector_uuid = "5b1f6c1e-0c55-4d0e-9f5e-6a7d3c2b1a90";
constexpr std::uint32_t role_owner_local = 5;

// job-manager keeps jobs in a hash table, and its backlog shows it: readers may not rely on any order.
std::uint64_t scramble(flux::JobId id) {
  auto x = static_cast<std::uint64_t>(id) + 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

json::value old_entry(flux::JobId id, std::size_t number, const flux::Event& event) {
  return json::object{{"id", id}, {"eventlog_seq", number}, {"entry", event.to_json()}};
}

json::array events_json(const std::vector<flux::Event>& events) {
  json::array array;
  for (const flux::Event& event : events)
    array.push_back(event.to_json());
  return array;
}

}  // namespace

void Streams::keep(Stream stream) {
  if (stream.request.streaming()) streams_.push_back(std::move(stream));
}

void Streams::send(Kind kind, const json::value& payload) const {
  for (const Stream& stream : streams_)
    if (stream.kind == kind) stream.request.respond(payload);
}

Answered Streams::job_stats(const Request& request) {
  request.respond(stats_now());
  if (!instance_->options().release.before(since::stats_stream))
    keep({.kind = Kind::job_stats, .request = request});
  return {};
}

json::value Streams::members(std::string_view group) const {
  const Resources& resources = instance_->resources();
  flux::IdSet ranks;
  if (group == "broker.online") ranks = resources.nodes().members();
  if (group == "broker.torpid") ranks = resources.torpid();
  return json::object{{"members", ranks.to_string()}};
}

void Streams::tell_members(std::string_view group) const {
  for (const Stream& stream : streams_)
    if (stream.kind == Kind::groups && stream.name == group) stream.request.respond(members(group));
}

Answered Streams::groups(const Request& request, std::string name) {
  request.respond(members(name));
  keep({.kind = Kind::groups, .request = request, .name = std::move(name)});
  return {};
}

json::value Streams::health_now() const {
  static constexpr auto word = [](Nodes::Health health) {
    return health == Nodes::Health::full ? "full" : health == Nodes::Health::lost ? "lost" : "offline";
  };
  const Nodes& nodes = std::as_const(instance_->resources()).nodes();
  json::array children;
  for (std::size_t rank = 1; rank < nodes.all().size(); ++rank) {
    const Nodes::Node& node = nodes.all()[rank];
    json::object child{
        {"rank", rank}, {"status", word(node.health)}, {"duration", instance_->now() - node.since}};
    if (!node.error.empty()) child["error"] = node.error;
    children.push_back(std::move(child));
  }
  return json::object{{"rank", 0},
                      {"status", nodes.status()},
                      {"duration", instance_->now() - nodes.status_since()},
                      {"children", std::move(children)}};
}

Answered Streams::health(const Request& request) {
  request.respond(health_now());
  keep({.kind = Kind::health, .request = request});
  return {};
}

Answered Streams::resource_journal(const Request& request) {
  // restart and resource-define come by themselves, the latter with R; then all that happened since.
  const std::vector<flux::Event>& journal = instance_->resources().journal();
  request.respond(json::object{{"events", json::array{journal[0].to_json()}}});
  request.respond(json::object{{"events", json::array{journal[1].to_json()}},
                               {"R", instance_->resources().all().to_json()}});
  if (instance_->options().release.before(since::journal_batch)) {
    for (auto event = journal.begin() + 2; event != journal.end(); ++event)
      request.respond(json::object{{"events", events_json({*event})}});
  } else {
    request.respond(json::object{{"events", events_json({journal.begin() + 2, journal.end()})}});
  }
  request.respond(json::object{{"events", json::array()}});
  keep({.kind = Kind::resource_journal, .request = request});
  return {};
}

Answered Streams::events_journal(const Request& request, bool full,
                                 std::optional<std::set<std::string>> allow, std::set<std::string> deny) {
  std::vector<std::pair<std::pair<bool, std::uint64_t>, const Job*>> ordered;
  for (const auto& [id, job] : instance_->jobs().all())
    if (job.active() || full) ordered.push_back({{job.active(), scramble(id)}, &job});
  std::ranges::sort(ordered);
  Stream stream{
      .kind = Kind::events_journal, .request = request, .allow = std::move(allow), .deny = std::move(deny)};
  if (instance_->options().release.before(since::job_journal)) {
    if (json::value backlog = old_backlog(stream); !backlog.at("events").as_array().empty())
      request.respond(backlog);
    keep(std::move(stream));
    return {};
  }
  for (const auto& [key, job] : ordered) {
    json::array events;
    for (const flux::Event& event : job->eventlog)
      if (stream.wants(event.name)) events.push_back(event.to_json());
    json::object reply{
        {"id", job->id}, {"events", std::move(events)}, {"jobspec", without_environment(*job->jobspec)}};
    if (job->R) reply["R"] = R_of(*job);
    request.respond(reply);
  }
  request.respond(json::object{{"id", -1}, {"events", json::array()}});
  keep(std::move(stream));
  return {};
}

// Before 0.61: the latest events of all jobs in one reply, wrapped, with neither jobspec nor R, and no last
// word.
json::value Streams::old_backlog(const Stream& stream) const {
  json::array entries;
  for (const auto& [id, job] : instance_->jobs().all()) {
    for (std::size_t i = 0; i < job.eventlog.size(); ++i)
      if (stream.wants(job.eventlog[i].name)) entries.push_back(old_entry(id, i, job.eventlog[i]));
  }
  return json::object{{"events", std::move(entries)}};
}

Answered Streams::eventlog(const Request& request, const Job& job) {
  for (const flux::Event& event : job.eventlog)
    request.respond(json::object{{"event", json::serialize(event.to_json()) + "\n"}});
  if (!job.active()) return request.fail(ENODATA);
  keep({.kind = Kind::eventlog, .request = request, .id = job.id});
  return {};
}

Answered Streams::cancel(const Request& request, Kind kind, std::uint32_t matchtag) {
  std::erase_if(streams_, [&](const Stream& stream) {
    const bool same = stream.kind == kind && stream.request.same_peer(request) &&
                      stream.request.message().matchtag() == matchtag;
    if (same) stream.request.fail(ENODATA);
    return same;
  });
  return {};
}

std::size_t Streams::count(Kind kind) const {
  return static_cast<std::size_t>(std::ranges::count(streams_, kind, &Stream::kind));
}

void Streams::subscribe(const std::shared_ptr<Peer>& peer, const std::string& prefix) {
  Subscriber& subscriber = subscribers_[peer.get()];
  subscriber.peer = peer;
  ++subscriber.prefixes[prefix];
}

bool Streams::unsubscribe(const Peer& peer, const std::string& prefix) {
  const auto subscriber = subscribers_.find(&peer);
  if (subscriber == subscribers_.end()) return false;
  auto& prefixes = subscriber->second.prefixes;
  const auto found = prefixes.find(prefix);
  if (found == prefixes.end()) return false;
  if (--found->second == 0) prefixes.erase(found);
  return true;
}

void Streams::forget(const Peer* peer) {
  subscribers_.erase(peer);
  std::erase_if(streams_, [&](const Stream& stream) { return stream.request.from(peer); });
}

void Streams::on_job_event(const Job& job, const flux::Event& event) {
  json::object reply{{"id", job.id}, {"events", json::array{event.to_json()}}};
  if (instance_->options().release.before(since::job_journal))
    reply = {{"events", json::array{old_entry(job.id, job.eventlog.size() - 1, event)}}};
  else if (event.name == "submit")
    reply["jobspec"] = without_environment(*job.jobspec);
  else if (event.name == "alloc" && job.R)
    reply["R"] = R_of(job);
  for (const Stream& stream : streams_) {
    if (stream.kind == Kind::events_journal && stream.wants(event.name)) stream.request.respond(reply);
  }
  if (event.name == "annotations") return;  // not part of the eventlog
  const std::string line = json::serialize(event.to_json()) + "\n";
  std::erase_if(streams_, [&](const Stream& stream) {
    if (stream.kind != Kind::eventlog || stream.id != job.id) return false;
    stream.request.respond(json::object{{"event", line}});
    if (event.name == "clean") stream.request.fail(ENODATA);
    return event.name == "clean";
  });
}

void Streams::on_resource_event(const flux::Event& event) {
  send(Kind::resource_journal, json::object{{"events", json::array{event.to_json()}}});
}

void Streams::on_health() {
  send(Kind::health, health_now());
}

// The journals are told that they end; whoever follows counts, groups or health learns nothing.
void Streams::on_unload() {
  std::erase_if(streams_, [](const Stream& stream) {
    const bool journal = stream.kind == Kind::events_journal || stream.kind == Kind::resource_journal;
    if (journal) stream.request.fail(ENODATA);
    return journal;
  });
}

json::value Streams::stats_now() const {
  json::value stats = instance_->jobs().stats().to_json();
  if (instance_->options().release.before(since::queue_counts)) {
    for (const std::string_view name : {"successful", "inactive_purged", "queues"})
      stats.as_object().erase(name);
  }
  return stats;
}

void Streams::on_stats() {
  if (std::exchange(stats_armed_, true)) return;
  instance_->timers().after(timing::stats_batch, [this] {
    stats_armed_ = false;
    send(Kind::job_stats, stats_now());
  });
}

void Streams::on_publish(std::string_view topic, const json::object* payload, bool is_private) {
  flux::Message event;
  event.type = flux::MessageType::event;
  event.flags = flux::flag::topic | flux::flag::route;
  if (payload != nullptr) event.flags |= flux::flag::payload;
  if (is_private) event.flags |= flux::flag::private_;
  event.userid = userid_;
  event.rolemask = role_owner_local;
  event.aux1 = ++sequence_;
  event.aux2 = 0;
  event.routes = {std::string(connector_uuid)};
  event.topic = topic;
  if (payload != nullptr) event.payload = json::serialize(*payload);
  for (const auto& [key, subscriber] : subscribers_) {
    const bool wanted = std::ranges::any_of(
        subscriber.prefixes, [&](const auto& prefix) { return topic.starts_with(prefix.first); });
    const auto peer = wanted ? subscriber.peer.lock() : nullptr;
    if (peer != nullptr) peer->send(event);
  }
}

}  // namespace fluxmetrics::simulate
