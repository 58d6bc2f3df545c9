// An instance in the middle of its work: jobs that were submitted before it began, without the time that
// takes.
#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json/serialize.hpp>

#include "simulate/job_request.hpp"
#include "simulate/jobs.hpp"
#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {
namespace {

namespace json = boost::json;

constexpr double hour = 3600;
constexpr double submitted_during = 6 * hour;  // what waits; what runs came before
constexpr double last_submitted = 10;          // seconds before the start

// What a cluster's users ask for, by how often: small jobs are the most.
struct Kind {
  unsigned weight;
  std::optional<std::uint32_t> nodes;
  std::uint32_t slots, cores;
  double duration;
};
constexpr std::array<Kind, 6> kinds{{
    {.weight = 40, .nodes = {}, .slots = 1, .cores = 1, .duration = 8 * hour},
    {.weight = 25, .nodes = {}, .slots = 2, .cores = 1, .duration = 12 * hour},
    {.weight = 15, .nodes = {}, .slots = 1, .cores = 2, .duration = 24 * hour},
    {.weight = 10, .nodes = 1, .slots = 1, .cores = 1, .duration = 24 * hour},
    {.weight = 7, .nodes = 2, .slots = 2, .cores = 1, .duration = 48 * hour},
    {.weight = 3, .nodes = 4, .slots = 4, .cores = 1, .duration = 0},
}};

// The kind of the i-th job: the kinds in turn, as often as they weigh.
std::size_t kind_of(std::size_t i) {
  constexpr std::size_t step = 37;  // shares no factor with 100: a hundred jobs in a row have the right mix
  auto at = static_cast<unsigned>(i * step % 100);
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if (at < kinds.at(kind).weight) return kind;
    at -= kinds.at(kind).weight;
  }
  return 0;
}

std::uint64_t cores_of(const Kind& kind) {
  return std::uint64_t{kind.slots} * kind.cores;
}

// Hands out cores from the lowest rank up.
class Filler {
 public:
  Filler(const flux::IdSet& ranks, std::uint32_t cores) : ranks_(ranks.begin(), ranks.end()), cores_(cores) {}
  [[nodiscard]] std::uint64_t left() const {
    return at_ == ranks_.size() ? 0 : (std::uint64_t{ranks_.size()} - at_) * cores_ - used_;
  }
  // `pieces` times `cores` cores, each piece on one rank; at most left() in all, and one core always fits.
  Placement place(std::uint32_t pieces, std::uint32_t cores, bool apart) {
    Placement placement{.slices = {}, .slots = pieces};
    for (std::uint32_t i = 0; i < pieces; ++i) {
      if (used_ + cores > cores_ || (apart && i > 0)) next_rank();
      const auto ids = flux::IdSet::range(used_, used_ + cores - 1);
      if (!placement.slices.empty() && placement.slices.back().rank == ranks_[at_]) {
        placement.slices.back().cores |= ids;
      } else {
        placement.slices.push_back({.rank = ranks_[at_], .cores = ids, .gpus = {}});
      }
      used_ += cores;
      if (used_ == cores_ && i + 1 == pieces) next_rank();
    }
    return placement;
  }

 private:
  void next_rank() {
    ++at_;
    used_ = 0;
  }
  std::vector<flux::IdSet::Id> ranks_;
  std::uint32_t cores_;
  std::size_t at_ = 0;
  std::uint32_t used_ = 0;
};

}  // namespace

Job Jobs::template_of(const JobRequest& request, std::uint32_t userid) const {
  Job job;
  const auto jobspec = make_jobspec(request);
  if (!jobspec) return job;
  // What is made here is what ingest accepts.
  const Submission submission{
      .J = wrap_unsigned(userid, json::serialize(*jobspec)), .urgency = request.urgency, .userid = userid};
  [[maybe_unused]] const auto ready = prepare(job, submission);
  return job;
}

void Jobs::submitted_at(Job& job, Time time) {
  const auto tell = [&](const char* name, Time when, json::object context) {
    const bool has_context = !context.empty();
    job.eventlog.push_back(
        {.timestamp = when, .name = name, .context = std::move(context), .has_context = has_context});
    return when;
  };
  job.id = std::max(static_cast<flux::JobId>(std::floor((time - start_time_) * 1000.0)) << 24U, max_id_ + 1);
  max_id_ = job.id;
  job.priority = job.urgency;
  job.t_submit =
      tell("submit", time, {{"userid", job.userid}, {"urgency", job.urgency}, {"flags", 0}, {"version", 1}});
  job.t_depend = tell("validate", time + timing::validate, {});
  job.t_priority = tell("depend", *job.t_depend + timing::depend, {});
  job.t_sched = tell("priority", *job.t_priority + 1e-6, {{"priority", *job.priority}});
}

void Jobs::started_at(Job& job, Time time, Placement placement) {
  hold(job, scheduler_.grant(job, std::move(placement), time));
  for (const char* const name : {"alloc", "start"}) {
    json::object context;
    if (job.state != flux::JobState::run) context["annotations"] = job.annotations;
    const bool has_context = !context.empty();
    job.eventlog.push_back(
        {.timestamp = time, .name = name, .context = std::move(context), .has_context = has_context});
    job.state = flux::JobState::run;
    time += timing::start;
  }
  job.t_run = job.eventlog[job.eventlog.size() - 2].timestamp;
  job.started = true;
}

void Jobs::preload(std::size_t pending, std::size_t running, std::uint32_t cores, std::uint32_t userid) {
  if (pending + running == 0) return;
  const Time now = timers_.now();
  start_time_ = now - 2 * submitted_during;
  std::vector<Job> templates;
  for (const Queue& queue : queues_.all()) {
    for (const Kind& kind : kinds) {
      templates.push_back(template_of({.nodes = kind.nodes,
                                       .slots = kind.slots,
                                       .cores = kind.cores,
                                       .duration = kind.duration,
                                       .queue = queue.name},
                                      userid));
    }
  }
  const std::size_t queues = queues_.all().size();
  const auto template_for = [&](std::size_t kind, std::size_t i) -> const Job& {
    return templates[(i % queues) * kinds.size() + kind];
  };

  Filler filler(resources_.up(), cores);
  for (std::size_t i = 0; i < running; ++i) {
    // Every job that is still to come needs a core.
    const std::uint64_t for_others = running - i - 1;
    std::size_t kind = kind_of(i);
    const auto& wanted = kinds.at(kind);
    // A piece may leave cores of a rank unused, and pieces apart even more.
    const std::uint64_t worst = cores_of(wanted) + (wanted.nodes.value_or(1) + std::uint64_t{1}) * cores;
    if (wanted.cores > cores || filler.left() < for_others + worst) kind = 0;
    const auto& taken = kinds.at(kind);
    Job job = template_for(kind, i);
    // They started during the hour before the last, and end as their limits say.
    const Time start = now - 2 * hour + hour * static_cast<double>(i) / static_cast<double>(running);
    submitted_at(job, start - submitted_during / 2);
    started_at(job, start, filler.place(taken.slots, taken.cores, taken.nodes.has_value()));
    Job& kept = jobs_.emplace(job.id, std::move(job)).first->second;
    moved(kept, flux::JobState::new_);
    if (taken.duration > 0) finish_after(kept, start + taken.duration - now, 0, timing::release);
  }
  for (std::size_t i = 0; i < pending; ++i) {
    // The first in line wants the whole machine and gets it only when all else has ended: so nobody starts.
    Job job = template_for(kind_of(i), i);
    if (i == 0) {
      job = template_of({.nodes = static_cast<std::uint32_t>(resources_.hosts().size()),
                         .exclusive = true,
                         .duration = hour,
                         .queue = queues_.all().front().name},
                        userid);
    }
    const double part = static_cast<double>(pending - i) / static_cast<double>(pending);
    submitted_at(job, now - last_submitted - submitted_during * part);
    job.state = flux::JobState::sched;
    Job& kept = jobs_.emplace_hint(jobs_.end(), job.id, std::move(job))->second;
    moved(kept, flux::JobState::new_);
    wait_in_line(kept, true);
  }
  kick();
}

}  // namespace fluxmetrics::simulate
