#include "instance/denied_jobs.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "flux/fields.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
using flux::Fields;

// RFC 31's "results" and "states" are masks: FAILED and INACTIVE.
constexpr std::uint32_t failed = 2;

// What a scheduler writes of a job that it will never run: Fluxion `alloc denied due to
// type="unsatisfiable"`, sched-simple "unsatisfiable request: need 8 exclusive node(s), only 4 eligible".
bool is_denial(Fields& job) {
  const auto type = job.text("exception_type").value_or("");
  const auto note = job.text("exception_note").value_or("");
  return type == "alloc" && note.find("unsatisfiable") != std::string::npos && !job.number("t_run");
}

std::uint32_t index_of(const std::vector<Queue>& queues, std::string_view name) {
  const auto found = std::ranges::find(queues, name, &Queue::name);
  return found == queues.end() ? 0 : static_cast<std::uint32_t>(found - queues.begin());
}

std::uint32_t index_of(std::vector<flux::Shape>& shapes, const flux::Shape& shape) {
  const auto found = std::ranges::find(shapes, shape);
  const auto index = static_cast<std::uint32_t>(found - shapes.begin());
  if (found == shapes.end()) shapes.push_back(shape);
  return index;
}

}  // namespace

std::string DeniedJobs::list_request(double since) {
  const auto mask = [](std::string_view key, std::uint32_t value) {
    return json::object{{key, json::array{value}}};
  };
  return json::serialize(json::object{
      {"max_entries", most},
      {"since", since},
      {"attrs",
       json::array{"t_inactive", "t_run", "exception_type", "exception_note", "nnodes", "ncores", "queue"}},
      {"constraint",
       json::object{{"and", json::array{mask("states", std::to_underlying(flux::JobState::inactive)),
                                        mask("results", failed)}}}}});
}

Result<double> DeniedJobs::take(const json::value& reply) {
  Fields in(reply, "job-list.list");
  in.require("jobs");
  const auto* jobs = in.array("jobs");
  if (!in.ok()) return in.error();
  double latest = 0;
  for (const auto& value : *jobs) {
    Fields job(value, "job-list.list: a denied job");
    const auto ended = job.number("t_inactive").value_or(0);
    latest = std::max(latest, ended);
    const bool denied = is_denial(job);
    Entry entry{.id = job.integer("id").value_or(0),
                .queue = job.text("queue").value_or(""),
                .nnodes = job.unsigned32("nnodes"),
                .ncores = job.unsigned32("ncores"),
                .t_denied = ended,
                .shape = {}};
    if (!job.ok()) return job.error();
    if (!denied) continue;
    entry.shape = flux::shape_from_counts(entry.nnodes, entry.ncores);
    const auto place = std::ranges::lower_bound(jobs_, entry.id, {}, &Entry::id);
    if (place != jobs_.end() && place->id == entry.id) continue;
    jobs_.insert(place, std::move(entry));
    changed_ = true;
  }
  if (jobs_.size() > most) jobs_.erase(jobs_.begin(), jobs_.end() - most);
  return latest;
}

std::vector<flux::JobId> DeniedJobs::without_jobspec(std::size_t limit) const {
  std::vector<flux::JobId> ids;
  for (const auto& entry : jobs_)
    if (!entry.asked && ids.size() < limit) ids.push_back(entry.id);
  return ids;
}

void DeniedJobs::set_jobspec(flux::JobId id, const json::value& jobspec) {
  const auto place = std::ranges::lower_bound(jobs_, id, {}, &Entry::id);
  if (place == jobs_.end() || place->id != id) return;
  place->asked = changed_ = true;
  if (auto read = flux::parse_jobspec(jobspec); read.sized) place->shape = std::move(read.shape);
}

bool DeniedJobs::replaces(const InstanceState& state, const Job& job, const Entry& denied) {
  if (job.t_submit <= denied.t_denied || state.queues[job.queue].name != denied.queue) return false;
  const bool taken = job.state == flux::JobState::sched || job.state == flux::JobState::run ||
                     job.state == flux::JobState::cleanup;
  if (!taken) return false;
  const auto& shape = state.shapes[job.shape];
  if (denied.nnodes) return job.nnodes.value_or(shape.nodes.value_or(0)) >= *denied.nnodes;
  return job.ncores.value_or(0) >= denied.ncores.value_or(0);
}

bool DeniedJobs::outdated(WallTime now) const {
  return changed_ || std::ranges::any_of(jobs_, [&](const Entry& denied) { return is_old(denied, now); });
}

bool DeniedJobs::is_old(const Entry& denied, WallTime now) {
  return denied.t_denied < to_unix(now) - remembered.count();
}

void DeniedJobs::write(InstanceState& state, WallTime now) {
  changed_ = false;
  std::erase_if(jobs_, [&](const Entry& denied) {
    return is_old(denied, now) || std::ranges::any_of(std::as_const(state.jobs), [&](const Job& job) {
             return replaces(state, job, denied);
           });
  });
  state.denied.clear();
  for (const auto& entry : jobs_)
    state.denied.push_back({.id = entry.id,
                            .queue = index_of(state.queues, entry.queue),
                            .shape = index_of(state.shapes, entry.shape),
                            .t_denied = entry.t_denied});
}

}  // namespace fluxmetrics::instance
