#include "instance/state_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_members.hpp"
#include "flux/fields.hpp"
#include "flux/job_list.hpp"
#include "flux/job_stats.hpp"
#include "flux/payload.hpp"
#include "instance/state_json.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
using flux::Fields;
using namespace std::string_view_literals;

// What a whole state must tell: what is left out of it would read as nothing, and be counted as 0.
constexpr std::array whole{"time"sv,   "instance"sv, "scheduler"sv, "counts"sv,
                           "queues"sv, "shapes"sv,   "jobs"sv,      "exact"sv};
constexpr std::array whole_instance{"size"sv, "level"sv, "version"sv, "state"sv, "owner"sv};
constexpr std::array whole_exact{"started"sv, "resources"sv, "allocated"sv, "online"sv,
                                 "offline"sv, "drains"sv,    "admits"sv,    "constraints"sv};

void require_all(Fields& in, std::span<const std::string_view> keys) {
  for (const auto key : keys)
    in.require(key);
}

// Takes a member that is there, and says so.
template <class T>
bool take(T& target, std::optional<T> value) {
  if (!value) return false;
  target = *std::move(value);
  return true;
}

template <class T, class Read>
void read_member(Fields& in, std::string_view key, T& target, Read read) {
  const auto* value = in.any(key);
  if (value == nullptr) return;
  auto made = read(*value);
  if (made) {
    target = *std::move(made);
  } else {
    in.fail_with(made.error());
  }
}

void read_set(Fields& in, std::string_view key, flux::IdSet& target) {
  if (in.any(key) != nullptr) target = in.idset(key);
}

void read_instance(const json::value& value, InstanceState& state, Fields& outer) {
  Fields in(value, "state: instance");
  take(state.size, in.unsigned32("size"));
  take(state.level, in.unsigned32("level"));
  take(state.version, in.text("version"));
  take(state.hostname, in.text("hostname"));
  take(state.broker_state, in.text("state"));
  take(state.owner, in.boolean("owner"));
  if (!in.ok()) outer.fail_with(in.error().error());
}

// Calls `each` with every value of the array `key`, until one is wrong.
template <class Each>
void read_all(Fields& in, std::string_view key, Each each) {
  const auto* values = in.array(key);
  if (values == nullptr) return;
  for (const auto& value : *values) {
    Fields fields(value, key);
    each(fields, value);
    if (!fields.ok()) in.fail_with(fields.error().error());
    if (!in.ok()) return;
  }
}

void read_queues(Fields& in, InstanceState& state) {
  if (in.array("queues") == nullptr) return;
  std::vector<Queue> queues;
  read_all(in, "queues", [&](Fields& queue, const json::value&) {
    queues.push_back({.name = queue.text("name").value_or(""),
                      .enabled = queue.boolean("enabled").value_or(true),
                      .started = queue.boolean("started").value_or(true),
                      .admits = {}});
  });
  if (queues.empty()) in.wrong("queues", "a list that holds a queue");
  state.queues = std::move(queues);
}

void read_shapes(Fields& in, InstanceState& state) {
  if (in.array("shapes") == nullptr) return;
  state.shapes.clear();
  read_all(in, "shapes", [&](Fields& shape, const json::value&) {
    state.shapes.push_back({.nodes = shape.unsigned32("nodes"),
                            .slots = shape.unsigned32("slots").value_or(1),
                            .cores = shape.unsigned32("cores").value_or(1),
                            .gpus = shape.unsigned32("gpus").value_or(0),
                            .exclusive = shape.boolean("exclusive").value_or(false),
                            .known = shape.boolean("known").value_or(true)});
  });
}

// Constraints, one for each of `items`.
template <class Item>
void read_constraints(Fields& in, std::string_view key, std::vector<Item>& items,
                      flux::Constraint Item::* constraint) {
  const auto* values = in.array(key);
  if (values == nullptr) return;
  if (values->size() != items.size()) return in.wrong(key, "as long as what it is about");
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto read = flux::Constraint::from_json((*values)[i]);
    if (!read) return in.fail_with(read.error());
    items[i].*constraint = *std::move(read);
  }
}

void read_drains(Fields& in, InstanceState& state) {
  if (in.array("drains") == nullptr) return;
  state.drains.clear();
  read_all(in, "drains", [&](Fields& drain, const json::value&) {
    state.drains.push_back({.ranks = drain.idset("ranks"),
                            .timestamp = drain.number("time").value_or(0),
                            .reason = drain.text("reason").value_or("")});
  });
}

void read_waits(Fields& in, InstanceState& state) {
  if (in.array("waits") == nullptr) return;
  std::vector<QueueWaits> waits;
  read_all(in, "waits", [&](Fields& queue, const json::value&) {
    QueueWaits read{.queue = queue.text("queue").value_or(""), .waits = Histogram(WaitTimes::bounds)};
    std::vector<std::uint64_t> counts;
    if (const auto* list = queue.array("counts")) {
      for (const auto& count : *list) {
        if (count.is_int64() && count.get_int64() >= 0)
          counts.push_back(static_cast<std::uint64_t>(count.get_int64()));
      }
    }
    if (counts.size() != read.waits.counts().size()) queue.wrong("counts", "a number for each range");
    read.waits.add(counts, queue.number("sum").value_or(0));
    waits.push_back(std::move(read));
  });
  state.waits = std::move(waits);
}

std::optional<flux::JobId> id_from(std::string_view text) {
  flux::JobId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

// By place: the queues and shapes of the same message, or those before.
void read_denied(Fields& in, InstanceState& state) {
  if (in.array("denied") == nullptr) return;
  state.denied.clear();
  read_all(in, "denied", [&](Fields& denied, const json::value&) {
    const auto id = id_from(denied.text("id").value_or(""));
    const auto queue = std::ranges::find(state.queues, denied.text("queue").value_or(""), &Queue::name);
    const auto shape = denied.unsigned32("shape").value_or(0);
    if (!id || queue == state.queues.end() || shape >= state.shapes.size())
      return denied.wrong("denied", "a job's id with one of the queues and of the shapes");
    state.denied.push_back({.id = *id,
                            .queue = static_cast<std::uint32_t>(queue - state.queues.begin()),
                            .shape = shape,
                            .t_denied = denied.number("time").value_or(0)});
  });
}

void read_match_stats(Fields& in, InstanceState& state) {
  const auto* stats = in.object("match_stats");
  if (stats == nullptr) return;
  state.match_stats.reset();
  if (stats->empty()) return;
  auto read = MatchStats::from_json(*in.any("match_stats"));
  if (!read) return in.fail_with(read.error());
  state.match_stats = *read;
}

void read_exact(const json::value& value, InstanceState& state, Fields& outer) {
  Fields in(value, "state: exact");
  take(state.started, in.text("started"));
  take(state.jobs_unknown, in.text("jobs_unknown"));
  take(state.allocated_unknown, in.text("allocated_unknown"));
  take(state.denied_unknown, in.text("denied_unknown"));
  read_member(in, "resources", state.resources, flux::ResourceSet::from_json);
  read_member(in, "allocated", state.allocated, flux::ResourceSet::from_json);
  read_set(in, "online", state.online);
  read_set(in, "offline", state.offline);
  read_set(in, "excluded", state.excluded);
  read_set(in, "torpid", state.torpid);
  read_set(in, "removed", state.removed);
  read_drains(in, state);
  read_constraints(in, "admits", state.queues, &Queue::admits);
  read_constraints(in, "constraints", state.shapes, &flux::Shape::constraint);
  read_waits(in, state);
  if (!in.ok()) outer.fail_with(in.error().error());
}

std::optional<flux::JobState> state_named(std::string_view name) {
  for (const auto state : flux::all_job_states)
    if (flux::to_string(state) == name) return state;
  return std::nullopt;
}

void require_whole(const json::value& message, Fields& in) {
  require_all(in, whole);
  if (!in.ok()) return;
  Fields instance(message.at("instance"), "state: instance");
  require_all(instance, whole_instance);
  if (!instance.ok()) in.fail_with(instance.error().error());
  Fields exact(message.at("exact"), "state: exact");
  require_all(exact, whole_exact);
  if (!exact.ok()) in.fail_with(exact.error().error());
}

}  // namespace

Result<std::shared_ptr<InstanceState>> StateReader::take(std::string_view text) {
  const auto message = flux::parse_payload("flux-metrics.get", text);
  if (!message) return std::unexpected(message.error());
  if (auto head = take_head(*message); !head) return std::unexpected(head.error());
  if (auto jobs = take_jobs(*message); !jobs) return std::unexpected(jobs.error());
  const auto* more = value_at(message->if_object(), "more");
  if (more != nullptr && *more == true) return nullptr;
  if (!changed_ && state_) return state_;
  if (auto merged = merge_jobs(); !merged) return std::unexpected(merged.error());
  changed_ = false;
  state_ = std::make_shared<InstanceState>(draft_);
  return state_;
}

Result<void> StateReader::take_head(const json::value& message) {
  Fields in(message, "state");
  if (const auto format = in.text("format")) {
    if (*format != state_format)
      return fail(Code::protocol, "state: its format is not {}, the only one supported", state_format);
    begun_ = true;
    require_whole(message, in);
  }
  if (in.ok() && !begun_) return fail(Code::protocol, "state: it does not begin with the whole state");
  if (const auto generation = in.count("generation"))
    stamp_.generation = static_cast<std::uint64_t>(*generation);
  if (const auto time = in.number("time")) stamp_.confirmed = from_unix(*time);
  for (const auto* const key : {"instance", "scheduler", "scheduling", "denied", "match_stats", "counts",
                                "queues", "shapes", "exact"})
    changed_ = changed_ || in.any(key) != nullptr;
  if (const auto* instance = in.any("instance")) read_instance(*instance, draft_, in);
  fluxmetrics::instance::take(draft_.has_scheduler, in.boolean("scheduler"));
  read_member(in, "scheduling", draft_.scheduler, Scheduler::from_json);
  if (in.any("format") != nullptr && in.any("scheduling") == nullptr) {
    draft_.scheduler = {};
    draft_.scheduler.unknown = "the broker module is older than this program and does not report it";
  }
  read_member(in, "counts", draft_.stats, flux::JobStats::from_json);
  // The lists first: what "exact" says of them goes by their order.
  read_queues(in, draft_);
  read_shapes(in, draft_);
  read_denied(in, draft_);
  read_match_stats(in, draft_);
  if (const auto* exact = in.any("exact")) read_exact(*exact, draft_, in);
  if (!in.ok()) return std::unexpected(in.error().error());
  return {};
}

Result<void> StateReader::take_jobs(const json::value& message) {
  Fields in(message, "state");
  if (const auto* jobs = in.array("jobs")) {
    for (const auto& value : *jobs) {
      auto job = read_job(value);
      if (!job) return std::unexpected(job.error());
      changed_jobs_.push_back(*job);
    }
  }
  if (const auto* gone = in.array("gone")) {
    for (const auto& value : *gone) {
      const auto id = value.is_string() ? id_from(value.get_string()) : std::nullopt;
      if (!id) return fail(Code::protocol, "state: gone contains something that is not a job id");
      gone_jobs_.push_back(*id);
    }
  }
  if (!in.ok()) return std::unexpected(in.error().error());
  if (draft_.jobs.size() + changed_jobs_.size() > 2 * flux::max_listed_jobs)
    return fail(Code::protocol, "state: there are more jobs than the {} that are read",
                flux::max_listed_jobs);
  changed_ = changed_ || !changed_jobs_.empty() || !gone_jobs_.empty();
  return {};
}

Result<Job> StateReader::read_job(const json::value& value) const {
  Fields in(value, "state: job");
  Job job;
  const auto id = id_from(in.text("id").value_or(""));
  const auto state = state_named(in.text("state").value_or(""));
  const auto name = in.text("queue").value_or("");
  const auto queue = std::ranges::find(draft_.queues, name, &Queue::name);
  if (in.ok() && (!id || !state || queue == draft_.queues.end()))
    return fail(Code::protocol, "state: a job's id, state or queue is not one");
  if (!in.ok()) return std::unexpected(in.error().error());
  job.id = *id;
  job.state = *state;
  job.queue = static_cast<std::uint32_t>(queue - draft_.queues.begin());
  job.priority = in.integer("priority").value_or(0);
  job.shape = in.unsigned32("shape").value_or(0);
  job.t_submit = in.number("t_submit").value_or(0);
  job.t_sched = in.number("t_sched").value_or(0);
  job.t_run = in.number("t_run").value_or(0);
  job.duration = in.number("duration").value_or(0);
  job.expiration = in.number("expiration").value_or(0);
  job.nnodes = in.unsigned32("nnodes");
  job.ncores = in.unsigned32("ncores");
  if (!in.ok()) return std::unexpected(in.error().error());
  return job;
}

Result<void> StateReader::merge_jobs() {
  if (!changed_jobs_.empty() || !gone_jobs_.empty()) {
    std::ranges::sort(changed_jobs_, {}, &Job::id);
    std::ranges::sort(gone_jobs_);
    std::vector<Job> merged;
    merged.reserve(draft_.jobs.size() + changed_jobs_.size());
    auto next = changed_jobs_.begin();
    for (const Job& job : std::as_const(draft_.jobs)) {
      for (; next != changed_jobs_.end() && next->id < job.id; ++next)
        merged.push_back(*next);
      const bool replaced = next != changed_jobs_.end() && next->id == job.id;
      if (!replaced && !std::ranges::binary_search(gone_jobs_, job.id)) merged.push_back(job);
    }
    merged.insert(merged.end(), next, changed_jobs_.end());
    draft_.jobs = std::move(merged);
    changed_jobs_.clear();
    gone_jobs_.clear();
  }
  const bool fits = std::ranges::all_of(std::as_const(draft_.jobs), [&](const Job& job) {
    return job.queue < draft_.queues.size() && job.shape < draft_.shapes.size();
  });
  if (!fits) return fail(Code::protocol, "state: a job's queue or shape is not in the lists");
  return {};
}

}  // namespace fluxmetrics::instance
