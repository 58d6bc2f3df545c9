#include "instance/job_table.hpp"

#include <limits>
#include <ranges>
#include <utility>

#include "base/log.hpp"

namespace fluxmetrics::instance {
namespace {

std::optional<std::uint32_t> to_count(std::optional<std::int64_t> value) {
  if (!value || *value < 0 || std::cmp_greater(*value, std::numeric_limits<std::uint32_t>::max())) return {};
  return static_cast<std::uint32_t>(*value);
}

std::optional<double> number(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return {};
  return value->to_number<double>();
}

}  // namespace

std::vector<std::string_view> JobTable::list_attributes(bool with_t_sched) {
  std::vector<std::string_view> names{"state",  "priority", "t_submit", "t_run",     "queue",
                                      "nnodes", "ncores",   "duration", "expiration"};
  if (with_t_sched) names.emplace_back("t_sched");
  return names;
}

void JobTable::replace(std::span<const flux::JobRecord> jobs) {
  std::map<flux::JobId, Entry> next;
  for (const auto& job : jobs) {
    if (job.state == flux::JobState::inactive) continue;
    const auto known = jobs_.find(job.id);
    Entry entry = known == jobs_.end() ? Entry{} : known->second;
    entry.state = job.state.value_or(entry.state);
    entry.priority = job.priority.value_or(0);
    entry.queue = job.queue.value_or("");
    entry.t_submit = job.t_submit.value_or(entry.t_submit);
    entry.t_sched = job.t_sched.value_or(entry.t_sched);
    entry.t_run = job.t_run.value_or(entry.t_run);
    entry.duration = job.duration.value_or(0);
    entry.expiration = job.expiration.value_or(0);
    entry.nnodes = to_count(job.nnodes);
    entry.ncores = to_count(job.ncores);
    next.emplace(job.id, std::move(entry));
  }
  jobs_ = std::move(next);
  ++version_;
}

void JobTable::read_jobspec(Entry& entry, flux::JobId id, const boost::json::value& jobspec) {
  entry.asked = true;
  auto parsed = flux::parse_jobspec(jobspec);
  if (!parsed) {
    log::debug("job {}: its jobspec is not understood, job-list's counts stand in: {}", flux::encode_f58(id),
               parsed.error().message);
    return;
  }
  entry.shape = std::move(parsed->shape);
  entry.queue = parsed->queue;
  entry.duration = parsed->duration;
}

void JobTable::read_allocation(Entry& entry, const boost::json::value& R) {
  const auto parsed = flux::ResourceSet::from_json(R);
  if (!parsed) return;
  entry.nnodes = static_cast<std::uint32_t>(parsed->ranks().size());
  entry.ncores = to_count(static_cast<std::int64_t>(parsed->total().cores));
  entry.expiration = parsed->expiration;
}

void JobTable::apply(const flux::JournalReply& reply) {
  for (const auto& event : reply.events)
    apply_event(reply.id, event);
  if (const auto found = jobs_.find(reply.id); found != jobs_.end()) {
    if (reply.jobspec) read_jobspec(found->second, reply.id, *reply.jobspec);
    if (reply.R) read_allocation(found->second, *reply.R);
  }
  ++version_;
}

void JobTable::apply_event(flux::JobId id, const flux::Event& event) {
  using flux::JobState;
  if (event.name == "submit") {
    auto& entry = jobs_[id];
    entry.t_submit = event.timestamp;
    return;
  }
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;  // ended before the list that we began with
  auto& entry = found->second;
  const bool waits = (std::to_underlying(entry.state) & (flux::states_pending | 1U)) != 0;

  if (event.name == "clean" || event.name == "invalidate") {
    jobs_.erase(found);
  } else if (event.name == "validate" && entry.state == JobState::new_) {
    entry.state = JobState::depend;
  } else if (event.name == "depend" && entry.state == JobState::depend) {
    entry.state = JobState::priority;
  } else if (event.name == "priority") {
    entry.priority = static_cast<std::int64_t>(number(event.context, "priority").value_or(0));
    if (waits && entry.state != JobState::sched) {
      entry.state = JobState::sched;
      entry.t_sched = event.timestamp;
    }
  } else if (event.name == "flux-restart" && entry.state == JobState::sched) {
    entry.state = JobState::priority;
  } else if (event.name == "alloc" && waits) {
    entry.state = JobState::run;
    entry.t_run = event.timestamp;
  } else if (event.name == "exception" && number(event.context, "severity") == 0.0) {
    entry.state = JobState::cleanup;
  } else if (event.name == "finish") {
    entry.state = JobState::cleanup;
  } else if (event.name == "resource-update") {
    entry.expiration = number(event.context, "expiration").value_or(entry.expiration);
  } else if (event.name == "jobspec-update") {
    outdated_.push_back(id);
  }
}

void JobTable::set_jobspec(flux::JobId id, const boost::json::value& jobspec) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  read_jobspec(found->second, id, jobspec);
  ++version_;
}

std::vector<flux::JobId> JobTable::without_jobspec(std::size_t limit) const {
  std::vector<flux::JobId> ids;
  for (const bool pending : {true, false}) {
    for (const auto& [id, entry] : jobs_) {
      const bool is_pending = (std::to_underlying(entry.state) & flux::states_pending) != 0;
      if (entry.asked || is_pending != pending) continue;
      if (ids.size() == limit) return ids;
      ids.push_back(id);
    }
  }
  return ids;
}

std::vector<flux::JobId> JobTable::take_outdated() {
  return std::exchange(outdated_, {});
}

void JobTable::write(InstanceState& state) const {
  std::map<std::string_view, std::uint32_t> queue_index;
  for (std::uint32_t i = 0; i < state.queues.size(); ++i)
    queue_index.emplace(state.queues[i].name, i);
  std::map<flux::Shape, std::uint32_t> shape_index;
  state.shapes.clear();
  state.jobs.clear();
  state.jobs.reserve(jobs_.size());
  for (const auto& [id, entry] : jobs_) {
    if (entry.state == flux::JobState::new_) continue;  // not yet validated: no broker counts it either
    const auto queue = queue_index.find(entry.queue);
    Job job{.id = id,
            .state = entry.state,
            .priority = entry.priority,
            .queue = queue == queue_index.end() ? 0 : queue->second,
            .t_submit = entry.t_submit,
            .t_sched = entry.t_sched,
            .t_run = entry.t_run,
            .duration = entry.duration,
            .expiration = entry.expiration,
            .nnodes = entry.nnodes,
            .ncores = entry.ncores};
    flux::Shape shape = entry.shape ? *entry.shape : flux::shape_from_counts(entry.nnodes, entry.ncores);
    if (!entry.shape) shape.constraint = state.queues[job.queue].admits;
    const auto [position, is_new] =
        shape_index.emplace(shape, static_cast<std::uint32_t>(state.shapes.size()));
    if (is_new) state.shapes.push_back(std::move(shape));
    job.shape = position->second;
    state.jobs.push_back(job);
  }
}

}  // namespace fluxmetrics::instance
