#include "instance/queries.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/json_members.hpp"
#include "flux/fields.hpp"
#include "flux/payload.hpp"
#include "instance/scheduler_replies.hpp"

namespace fluxmetrics::instance {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

using namespace std::chrono_literals;

// 100,000 jobs take a busy broker seconds.
constexpr auto list_deadline = 30s;

constexpr std::string_view topic_of(AllocatedSource source) {
  switch (source) {
    case AllocatedSource::job_manager:
      return "job-manager.resource-status";
    case AllocatedSource::resource_sched_status:
      return "resource.sched-status";
    case AllocatedSource::sched_resource_status:
      return "sched.resource-status";
  }
  return "";
}

// Requests are made here, outside of the coroutines: GCC 12 cannot keep an initializer list in a coroutine's
// frame.
std::string object_text(std::string_view key, const std::string& value) {
  return json::serialize(json::object{{key, value}});
}

std::string getattr_request(flux::JobId id) {
  return json::serialize(json::object{{"id", id}, {"attrs", json::array{"jobspec"}}});
}

std::string lookup_request(flux::JobId id) {
  return json::serialize(json::object{{"id", id}, {"keys", json::array{"jobspec"}}, {"flags", 0}});
}

Result<json::value> jobspec_of(flux::JobId id, const Result<std::string>& text) {
  if (!text) return std::unexpected(text.error());
  const auto reply = flux::parse_payload("job-manager.getattr", *text);
  if (!reply) return std::unexpected(reply.error());
  const auto* jobspec = value_at(reply->if_object(), "jobspec");
  if (jobspec == nullptr) return fail(Code::not_found, "job-manager.getattr: job {} has no jobspec", id);
  return *jobspec;
}

// Questions that are under way at the same time.
struct Batch {
  Batch(const asio::any_io_executor& executor, std::size_t count)
      : answers(count, fail(Code::unavailable, "job-manager.getattr was not answered")),
        open(count),
        all_here(executor, MonoTime::max()) {}
  std::vector<Result<json::value>> answers;
  std::size_t open;
  asio::steady_timer all_here;  // cancelled by the last answer
};

struct Answered {
  std::shared_ptr<Batch> batch;
  void operator()(const std::exception_ptr& /*fault*/) const {
    if (--batch->open == 0) batch->all_here.cancel();
  }
};

asio::awaitable<void> fetch_jobspec(std::shared_ptr<flux::Client> client, std::shared_ptr<Batch> batch,
                                    std::size_t index, flux::JobId id) {
  std::string request = getattr_request(id);
  const auto text = co_await client->rpc("job-manager.getattr", std::move(request));
  batch->answers[index] = jobspec_of(id, text);
}

// A bound that any of job-list's times may be compared with.
json::object since(std::string_view time, double seconds) {
  return {{time, json::array{fmt::format(">={:.6f}", seconds)}}};
}

json::object in_states(std::uint32_t states) {
  return {{"states", json::array{states}}};
}

json::object constraint_of(const JobList& list) {
  switch (list.kind) {
    case JobList::Kind::active:
      return in_states(flux::states_active);
    case JobList::Kind::depending:
      return in_states(flux::states_pending & ~std::to_underlying(flux::JobState::sched));
    case JobList::Kind::scheduled:
      // The time, which nearly all jobs fail, comes first: the broker compares every waiting job.
      return {{"and", json::array{since("t_sched", list.since),
                                  in_states(std::to_underlying(flux::JobState::sched))}}};
    case JobList::Kind::started:
      return {{"and", json::array{in_states(flux::states_running),
                                  json::object{{"or", json::array{since("t_run", list.since),
                                                                  since("t_cleanup", list.since)}}}}}};
    case JobList::Kind::ended:
      return in_states(std::to_underlying(flux::JobState::inactive));
  }
  return {};
}

// Before 0.53 there were no constraints, and only lists of all active jobs are asked for then.
json::object legacy_filter() {
  constexpr std::uint32_t everybody = 0xffffffff;
  return {{"userid", everybody}, {"states", flux::states_active}, {"results", 0}};
}

std::string list_request(const JobList& list, const ListDialect& dialect) {
  json::array attributes{"state", "t_inactive", "t_run"};
  if (list.kind != JobList::Kind::ended) {
    attributes = {"state", "priority", "t_submit", "t_run",    "t_cleanup",
                  "queue", "nnodes",   "ncores",   "duration", "expiration"};
    if (dialect.t_sched) attributes.emplace_back("t_sched");
  }
  json::object request =
      dialect.constraint ? json::object{{"constraint", constraint_of(list)}} : legacy_filter();
  request["max_entries"] = 0;
  request["attrs"] = std::move(attributes);
  if (list.kind == JobList::Kind::ended) request["since"] = list.since;
  return json::serialize(request);
}

double latest_time(const flux::ListedJob& job) {
  double latest = 0;
  for (const auto& time : {job.t_submit, job.t_sched, job.t_run, job.t_cleanup, job.t_inactive})
    latest = std::max(latest, time.value_or(0));
  return latest;
}

// Each queue's status is a question of its own.
constexpr std::size_t max_queues = 1000;

Result<std::vector<Queue>> read_queues(const json::value& list) {
  const auto* names = array_at(list.if_object(), "queues");
  if (names == nullptr) return fail(Code::protocol, "job-manager.queue-list: queues is not an array");
  if (names->size() > max_queues) {
    return fail(Code::protocol, "job-manager.queue-list: {} queues are more than the {} that are read",
                names->size(), max_queues);
  }
  std::vector<Queue> queues;
  for (const auto& name : *names) {
    if (!name.is_string())
      return fail(Code::protocol, "job-manager.queue-list: queues contains something that is not a string");
    queues.emplace_back().name = name.get_string();
  }
  return queues;
}

// {"queues":{"batch":{"requires":["batch"]}}} of config.get.
std::vector<std::string> required_properties(const json::value& config, std::string_view queue) {
  std::vector<std::string> properties;
  const auto* entry = object_at(object_at(config.if_object(), "queues"), queue);
  const auto* required = array_at(entry, "requires");
  if (required == nullptr) return properties;
  for (const auto& name : *required) {
    if (name.is_string()) properties.emplace_back(name.get_string());
  }
  return properties;
}

// Without a scheduler Flux shows every queue as stopped; whether the queue itself is, older versions do not
// say.
bool blocked_by_scheduler(const flux::QueueStatus& status) {
  return status.blocked == "scheduler" || (!status.start && status.stop_reason == "Scheduler is offline");
}

}  // namespace

bool nobody_tells(const Error& error) {
  return error.errnum == ENOSYS || error.errnum == EPERM;
}

Task<json::value> Queries::ask(std::string topic, std::string payload, flux::RpcOptions options) {
  const auto began = clock_().mono;
  const auto text = co_await client_->rpc(topic, std::move(payload), options);
  const auto ended = clock_().mono;
  meter_.ran(began, ended);
  if (times_ != nullptr) times_->ran(topic, ended - began, !text);
  if (!text) co_return std::unexpected(text.error());
  co_return flux::parse_payload(topic, *text);
}

template <class T>
Task<T> Queries::ask_for(std::string topic, std::string payload) {
  const auto reply = co_await ask(std::move(topic), std::move(payload));
  if (!reply) co_return std::unexpected(reply.error());
  co_return T::from_json(*reply);
}

Task<std::optional<std::string>> Queries::attribute(std::string name) {
  return attribute_of(std::move(name), flux::leader_rank);
}

Task<std::optional<std::string>> Queries::own_attribute(std::string name) {
  return attribute_of(std::move(name), flux::nodeid_any);
}

Task<std::optional<std::string>> Queries::attribute_of(std::string name, std::uint32_t nodeid) {
  flux::RpcOptions options;
  options.nodeid = nodeid;
  const auto reply = co_await ask("attr.get", object_text("name", name), options);
  if (!reply && reply.error().errnum == ENOENT) co_return std::optional<std::string>{};
  if (!reply) co_return std::unexpected(reply.error());
  flux::Fields in(*reply, "attr.get");
  in.require("value");
  auto value = in.text("value");
  if (!in.ok()) co_return in.error();
  co_return value;
}

Task<std::string> Queries::broker_state() {
  const auto reply = co_await ask("state-machine.get", "{}");
  if (!reply && reply.error().errnum == ENOSYS) co_return std::string("run");
  if (!reply) co_return std::unexpected(reply.error());
  flux::Fields in(*reply, "state-machine.get");
  in.require("state");
  auto state = in.text("state");
  if (!in.ok()) co_return in.error();
  co_return *std::move(state);
}

Task<flux::ResourceStatus> Queries::resource_status() {
  return ask_for<flux::ResourceStatus>("resource.status");
}

Task<std::optional<flux::IdSet>> Queries::schedulable_ranks() {
  const auto status = co_await ask_for<flux::SchedStatus>("resource.sched-status");
  if (!status && status.error().errnum == ENOSYS) co_return std::optional<flux::IdSet>{};
  if (!status) co_return std::unexpected(status.error());
  co_return std::optional(status->all.ranks());
}

Task<bool> Queries::owner() {
  // Every version answers this to its owner only, and one job is little to tell.
  const auto reply = co_await ask("job-manager.list", R"({"max_entries":1})");
  if (!reply && reply.error().errnum != EPERM) co_return std::unexpected(reply.error());
  co_return reply.has_value();
}

Task<flux::ResourceSet> Queries::allocated() {
  using enum AllocatedSource;
  Error last{.code = Code::unsupported, .message = "no RPC reports what is allocated"};
  for (const auto source : {job_manager, resource_sched_status, sched_resource_status}) {
    if (source_ && *source_ != source) continue;
    const auto reply = co_await ask(std::string(topic_of(source)), "{}");
    if (!reply) {
      last = reply.error();
      const bool another_may_do = nobody_tells(last) && !source_;
      if (nobody_tells(last)) source_.reset();  // a scheduler that left may come back, or another one
      if (!another_may_do) break;
      continue;
    }
    source_ = source;
    const auto* allocated = value_at(reply->if_object(), "allocated");
    if (allocated == nullptr) co_return fail(Code::protocol, "{}: no \"allocated\"", topic_of(source));
    if (allocated->is_null()) co_return flux::ResourceSet{};  // Fluxion's empty set, before 0.61
    co_return flux::ResourceSet::from_json(*allocated);
  }
  co_return std::unexpected(last);
}

Task<std::optional<flux::IdSet>> Queries::ranks_in_schedule() {
  const auto reply = co_await ask("sched.resource-status", "{}");
  if (!reply && reply.error().errnum == ENOSYS) co_return std::optional<flux::IdSet>{};
  if (!reply) co_return std::unexpected(reply.error());
  const auto status = flux::SchedStatus::from_json(*reply);
  if (!status) co_return std::unexpected(status.error());
  co_return std::optional(status->all.ranks() - status->down.ranks());
}

Task<flux::JobStats> Queries::job_stats() {
  return ask_for<flux::JobStats>("job-list.job-stats");
}

Task<std::uint64_t> Queries::active_jobs() {
  const auto reply = co_await ask("job-manager.stats-get", "{}");
  if (!reply) co_return std::unexpected(reply.error());
  flux::Fields in(*reply, "job-manager.stats-get");
  in.require("active_jobs");
  const auto count = in.count("active_jobs");
  if (!in.ok()) co_return in.error();
  co_return static_cast<std::uint64_t>(*count);
}

Task<double> Queries::list_once(std::string request, bool metered, flux::JobListReader::Take take) {
  double latest = 0;
  flux::JobListReader::Take note = [&](const flux::ListedJob& job) {
    latest = std::max(latest, latest_time(job));
    take(job);
  };
  flux::JobListReader reader(std::move(note));
  flux::PayloadSink sink = [&](std::string_view piece) { reader.feed(piece); };
  flux::RpcOptions options;
  options.deadline = list_deadline;
  auto call = client_->rpc_to(std::move(sink), "job-list.list", std::move(request), options);
  const auto began = clock_().mono;
  const auto done = co_await std::move(call);
  const auto ended = clock_().mono;
  if (metered) meter_.ran(began, ended);
  if (times_ != nullptr) times_->ran("job-list.list", ended - began, !done);
  if (!done) co_return std::unexpected(done.error());
  if (const auto read = reader.finish(); !read) co_return std::unexpected(read.error());
  co_return latest;
}

Task<double> Queries::list(JobList which, flux::JobListReader::Take take) {
  for (;;) {
    auto asking = list_once(list_request(which, dialect_), !which.by_the_clock, take);
    const auto latest = co_await std::move(asking);
    if (latest) co_return latest;
    if (latest.error().errnum == EINVAL && dialect_.t_sched) {
      dialect_.t_sched = false;
    } else if (latest.error().errnum == EPROTO && dialect_.constraint) {
      dialect_.constraint = dialect_.t_sched = false;
    } else {
      co_return latest;
    }
  }
}

asio::awaitable<std::vector<Result<json::value>>> Queries::jobspecs(std::vector<flux::JobId> ids) {
  const auto executor = co_await asio::this_coro::executor;
  const auto batch = std::make_shared<Batch>(executor, ids.size());
  const auto began = clock_().mono;
  for (std::size_t i = 0; i < ids.size(); ++i)
    asio::co_spawn(executor, fetch_jobspec(client_, batch, i, ids[i]), Answered{batch});
  while (batch->open > 0)
    co_await batch->all_here.async_wait(asio::as_tuple(asio::use_awaitable));
  meter_.ran(began, clock_().mono);
  co_return std::move(batch->answers);
}

Task<Scheduler> Queries::scheduler() {
  Scheduler scheduler;
  const auto modules = co_await ask("module.list", "{}");
  if (modules) {
    if (const auto read = read_modules(*modules, scheduler); !read) co_return std::unexpected(read.error());
  } else if (nobody_tells(modules.error())) {
    // Before 0.66. Fluxion answers for itself.
    scheduler.kind = Scheduler::Kind::fluxion;
  } else {
    co_return std::unexpected(modules.error());
  }
  if (scheduler.kind != Scheduler::Kind::fluxion) co_return scheduler;
  const auto asked = co_await ask_fluxion(scheduler);
  if (asked) co_return scheduler;
  if (modules || !nobody_tells(asked.error())) co_return std::unexpected(asked.error());
  scheduler = {};
  scheduler.unknown = "this version of Flux does not list its modules (module.list: since 0.66)";
  co_return scheduler;
}

// What it refuses to tell is unknown; that it does not exist, or has no time, is an error.
Task<void> Queries::ask_fluxion(Scheduler& scheduler) {
  const auto queues = co_await ask("sched-fluxion-qmanager.params", "{}");
  if (!queues && queues.error().errnum == EPERM) {
    scheduler.queue_policy = Setting::because(queues.error().message);
  } else if (!queues) {
    co_return std::unexpected(queues.error());
  } else if (const auto read = read_queue_policies(*queues, scheduler); !read) {
    co_return std::unexpected(read.error());
  }
  const auto matching = co_await ask("sched-fluxion-resource.params", "{}");
  if (matching) co_return read_match_settings(*matching, scheduler);
  if (!nobody_tells(matching.error())) co_return std::unexpected(matching.error());
  const auto config = co_await ask("config.get", "{}");
  if (!config && !nobody_tells(config.error())) co_return std::unexpected(config.error());
  constexpr std::string_view why =
      "only the owner of the Flux instance can query Fluxion (sched-fluxion-resource.params), and the "
      "configuration does not set it";
  read_configured_match_settings(config ? *config : json::value(), why, scheduler);
  co_return Result<void>{};
}

Task<MatchStats> Queries::match_stats() {
  const auto reply = co_await ask("sched-fluxion-resource.stats-get", "{}");
  if (!reply) co_return std::unexpected(reply.error());
  co_return MatchStats::from_reply(*reply);
}

Task<json::value> Queries::list_as_json(std::string request) {
  return ask("job-list.list", std::move(request));
}

Task<json::value> Queries::ended_jobspec(flux::JobId id) {
  const auto reply = co_await ask("job-info.lookup", lookup_request(id));
  if (!reply) co_return std::unexpected(reply.error());
  flux::Fields in(*reply, "job-info.lookup");
  in.require("jobspec");
  const auto text = in.text("jobspec");
  if (!in.ok()) co_return in.error();
  co_return flux::parse_payload("job-info.lookup: jobspec", *text);
}

Task<std::vector<Queue>> Queries::queues() {
  const auto list = co_await ask("job-manager.queue-list", "{}");
  std::vector<Queue> queues;
  if (list) {
    auto read = read_queues(*list);
    if (!read) co_return std::unexpected(read.error());
    queues = std::move(*read);
  } else if (list.error().errnum != ENOSYS) {
    co_return std::unexpected(list.error());
  }
  if (queues.empty()) {
    queues.emplace_back();
    co_return queues;
  }
  const auto config = co_await ask("config.get", "{}");
  if (!config && config.error().errnum != ENOSYS) co_return std::unexpected(config.error());
  for (auto& queue : queues) {
    auto properties = config ? required_properties(*config, queue.name) : std::vector<std::string>{};
    if (!properties.empty()) queue.admits = flux::Constraint::requires_properties(std::move(properties));
  }
  co_return queues;
}

Task<bool> Queries::queue_status(std::span<Queue> queues) {
  bool has_scheduler = true;
  for (auto& queue : queues) {
    // Named first: GCC 12 destroys twice what a conditional makes inside of an awaited call.
    std::string request = "{}";
    if (!queue.name.empty()) request = object_text("name", queue.name);
    const auto status = co_await ask_for<flux::QueueStatus>("job-manager.queue-status", std::move(request));
    if (!status && status.error().errnum == ENOSYS) co_return true;  // before 0.46: unknown counts as started
    if (!status && status.error().errnum == ENOENT) continue;  // removed by a reload; the next list tells
    if (!status) co_return std::unexpected(status.error());
    queue.enabled = status->enable;
    const bool blocked = blocked_by_scheduler(*status);
    queue.started = status->start || blocked;
    if (blocked) has_scheduler = false;
  }
  co_return has_scheduler;
}

}  // namespace fluxmetrics::instance
