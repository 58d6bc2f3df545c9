#include "instance/job_table.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/json_members.hpp"
#include "base/log.hpp"
#include "flux/replies.hpp"

namespace fluxmetrics::instance {
namespace {

// When a job's limit ends; 0 = never. Fluxion writes the end of its graph, which is the largest time that
// nanoseconds can count (9223372036 s: the year 2262), where a job has no limit.
double limit_end(double expiration) {
  constexpr double end_of_time = 9.2e9;
  return expiration < end_of_time ? expiration : 0;
}

constexpr std::size_t max_queue_names = 2000;       // the rest counts as the first
constexpr std::size_t max_shapes_weight = 500'000;  // names and numbers in all shapes together

std::optional<std::uint32_t> to_count(std::optional<std::int64_t> value) {
  if (!value || *value < 0 || std::cmp_greater(*value, std::numeric_limits<std::uint32_t>::max())) return {};
  return static_cast<std::uint32_t>(*value);
}

// Priorities go from 0 to 2^32-1; what lies outside counts as the nearest of these.
std::int64_t priority_of(const boost::json::object& context) {
  constexpr double most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::int64_t>(std::clamp(number_at(&context, "priority").value_or(0), 0.0, most));
}

// Attributes that job-list leaves away are unset, but a time once told stays.
void assign(Job& job, const flux::ListedJob& listed) {
  job.state = listed.state.value_or(job.state);
  job.priority = listed.priority.value_or(0);
  job.t_submit = listed.t_submit.value_or(job.t_submit);
  job.t_sched = listed.t_sched.value_or(job.t_sched);
  job.t_run = listed.t_run.value_or(job.t_run);
  job.duration = listed.duration.value_or(0);
  job.expiration = limit_end(listed.expiration.value_or(0));
  job.nnodes = to_count(listed.nnodes);
  job.ncores = to_count(listed.ncores);
}

}  // namespace

JobTable::Row* JobTable::find(flux::JobId id) {
  const auto found = std::ranges::lower_bound(rows_, id, {}, [](const Row& row) { return row.job.id; });
  return found == rows_.end() || found->job.id != id || found->dead() ? nullptr : &*found;
}

JobTable::Row& JobTable::insert(flux::JobId id) {
  // Ids grow with time: a new job mostly belongs to the end.
  auto place = rows_.end();
  if (!rows_.empty() && rows_.back().job.id >= id)
    place = std::ranges::lower_bound(rows_, id, {}, [](const Row& row) { return row.job.id; });
  may_lack_jobspecs_ = true;
  Row made;
  made.job.id = id;
  made.job.state = flux::JobState::new_;
  made.job.queue = queue_index("");
  made.job.shape = no_shape;
  if (place == rows_.end() || place->job.id != id) return *rows_.insert(place, made);
  if (place->dead()) {
    --dead_;
    *place = made;
  }
  return *place;
}

void JobTable::erase(Row& row) {
  row.job.state = flux::JobState::inactive;
  ++dead_;
  ++version_;
}

void JobTable::note_start(const Job& job) {
  if (waits_ == nullptr) return;
  waits_->started(queues_[job.queue], job.t_sched > 0 ? job.t_sched : job.t_submit, job.t_run);
}

void JobTable::compact() {
  constexpr std::size_t few = 256;
  if (dead_ < few || dead_ < rows_.size() / 8) return;
  std::erase_if(rows_, [](const Row& row) { return row.dead(); });
  dead_ = 0;
}

void JobTable::begin_full(std::size_t expected) {
  listing_ = true;
  fresh_.clear();
  expected = std::min(expected, flux::max_listed_jobs);  // somebody else's number
  if (expected > size()) fresh_.reserve(expected - size());
  for (Row& row : rows_)
    row.seen = false;
}

void JobTable::take(const flux::ListedJob& listed) {
  Row* row = find(listed.id);
  if (listed.state == flux::JobState::inactive) {
    if (row != nullptr) {
      // Started and ended between two lists.
      if (lists_count_ && row->job.t_run <= 0 && listed.t_run.value_or(0) > 0) {
        row->job.t_run = *listed.t_run;
        note_start(row->job);
      }
      erase(*row);
    }
    compact();
    return;
  }
  if (row == nullptr && listing_) {
    row = &fresh_.emplace_back();
    row->job.id = listed.id;
    row->job.shape = no_shape;
    may_lack_jobspecs_ = true;
  } else if (row == nullptr) {
    row = &insert(listed.id);
  }
  const Job before = row->job;
  row->seen = true;
  assign(row->job, listed);
  row->job.queue = queue_index(listed.queue);
  if (lists_count_ && before.t_run <= 0 && row->job.t_run > 0) note_start(row->job);
  if (row->job != before) ++version_;
}

void JobTable::end_full() {
  const auto by_id = [](const Row& row) { return row.job.id; };
  listing_ = false;
  const auto gone = std::erase_if(rows_, [](const Row& row) { return row.dead() || !row.seen; });
  if (gone > dead_) ++version_;
  dead_ = 0;
  if (!fresh_.empty()) ++version_;
  std::ranges::sort(fresh_, {}, by_id);
  if (rows_.empty()) {
    rows_.swap(fresh_);
  } else {
    const auto middle = static_cast<std::ptrdiff_t>(rows_.size());
    rows_.insert(rows_.end(), fresh_.begin(), fresh_.end());
    std::ranges::inplace_merge(rows_, rows_.begin() + middle, {}, by_id);
  }
  fresh_ = {};
  const auto twice = std::ranges::unique(rows_, {}, by_id);
  rows_.erase(twice.begin(), twice.end());
  forget_unused_shapes();
}

std::uint32_t JobTable::queue_index(std::string_view name) {
  const auto found = std::ranges::find(queues_, name);
  if (found == queues_.end() && queues_.size() >= max_queue_names) return 0;
  if (found == queues_.end()) {
    queues_.emplace_back(name);
    return static_cast<std::uint32_t>(queues_.size() - 1);
  }
  return static_cast<std::uint32_t>(found - queues_.begin());
}

std::size_t JobTable::weight_of(const flux::Shape& shape) {
  return 1 + shape.constraint.weight();
}

std::uint32_t JobTable::shape_index(flux::Shape shape) {
  const auto [entry, added] = shape_indices_.try_emplace(shape, static_cast<std::uint32_t>(shapes_.size()));
  if (added) {
    shapes_weight_ += weight_of(shape);
    shapes_.push_back(std::move(shape));
  }
  return entry->second;
}

void JobTable::forget_unused_shapes() {
  constexpr std::size_t few = 1024;
  if (shapes_.size() < few) return;
  const auto old = std::exchange(shapes_, {});
  shapes_weight_ = 0;
  shape_indices_.clear();
  for (Row& row : rows_)
    if (row.job.shape != no_shape) row.job.shape = shape_index(old[row.job.shape]);
}

void JobTable::read_jobspec(Row& row, const boost::json::value& jobspec) {
  row.asked = true;
  auto parsed = flux::parse_jobspec(jobspec);
  if (parsed.fault) {
    log::debug("job {}: its jobspec is not fully understood{}: {}", flux::encode_f58(row.job.id),
               parsed.sized ? "" : ", using job-list's counts", parsed.fault->message);
  }
  // Beyond what may be kept a job's shape counts as unknown.
  if (parsed.sized && shapes_weight_ + weight_of(parsed.shape) <= max_shapes_weight)
    row.job.shape = shape_index(std::move(parsed.shape));
  if (!parsed.attributed) return;
  row.job.queue = queue_index(parsed.queue);
  row.job.duration = parsed.duration;
}

void JobTable::read_allocation(Job& job, const boost::json::value& R) {
  const auto parsed = flux::ResourceSet::from_json(R);
  if (!parsed) return;
  job.nnodes = static_cast<std::uint32_t>(parsed->ranks().size());
  job.ncores = to_count(static_cast<std::int64_t>(parsed->total().cores));
  job.expiration = limit_end(parsed->expiration);
}

void JobTable::apply(const flux::JournalReply& reply) {
  for (const auto& event : reply.events)
    apply_event(reply.id, event);
  if (Row* row = find(reply.id); row != nullptr) {
    if (reply.jobspec) read_jobspec(*row, *reply.jobspec);
    if (reply.R) read_allocation(row->job, *reply.R);
  }
  compact();
  ++version_;
}

void JobTable::apply_event(flux::JobId id, const flux::Event& event) {
  using flux::JobState;
  if (event.name == "submit") {
    if (size() >= flux::max_listed_jobs && find(id) == nullptr) return;
    auto& row = insert(id);
    row.job.t_submit = event.timestamp;
    return;
  }
  Row* row = find(id);
  if (row == nullptr) return;  // ended before the list that we began with
  auto& entry = row->job;
  const bool waits = (std::to_underlying(entry.state) & (flux::states_pending | 1U)) != 0;

  if (event.name == "clean" || event.name == "invalidate") {
    erase(*row);
  } else if (event.name == "validate" && entry.state == JobState::new_) {
    entry.state = JobState::depend;
  } else if (event.name == "depend" && entry.state == JobState::depend) {
    entry.state = JobState::priority;
  } else if (event.name == "priority") {
    entry.priority = priority_of(event.context);
    if (waits && entry.state != JobState::sched) {
      entry.state = JobState::sched;
      entry.t_sched = event.timestamp;
    }
  } else if (event.name == "flux-restart" && entry.state == JobState::sched) {
    entry.state = JobState::priority;
  } else if (event.name == "alloc" && waits) {
    const bool seen_before = entry.t_run > 0;
    entry.state = JobState::run;
    entry.t_run = event.timestamp;
    if (!seen_before) note_start(entry);
  } else if (event.name == "exception" && number_at(&event.context, "severity") == 0.0) {
    entry.state = JobState::cleanup;
  } else if (event.name == "finish") {
    entry.state = JobState::cleanup;
  } else if (event.name == "resource-update") {
    entry.expiration = limit_end(number_at(&event.context, "expiration").value_or(entry.expiration));
  } else if (event.name == "jobspec-update") {
    if (outdated_.size() < flux::max_listed_jobs) outdated_.push_back(id);
  }
}

void JobTable::set_jobspec(flux::JobId id, const boost::json::value& jobspec) {
  Row* row = find(id);
  if (row == nullptr) return;
  read_jobspec(*row, jobspec);
  ++version_;
}

std::vector<flux::JobId> JobTable::without_jobspec(std::size_t limit) {
  std::vector<flux::JobId> ids;
  for (const bool pending : {true, false}) {
    for (const Row& row : rows_) {
      const bool is_pending = (std::to_underlying(row.job.state) & flux::states_pending) != 0;
      if (row.asked || row.dead() || is_pending != pending) continue;
      if (ids.size() == limit) return ids;
      ids.push_back(row.job.id);
    }
  }
  may_lack_jobspecs_ = ids.size() == limit;
  return ids;
}

std::vector<flux::JobId> JobTable::take_outdated() {
  return std::exchange(outdated_, {});
}

void JobTable::put_back_outdated(std::span<const flux::JobId> ids) {
  outdated_.insert(outdated_.end(), ids.begin(), ids.end());
}

flux::JobStates JobTable::count() const {
  flux::JobStates states;
  for (const Row& row : rows_) {
    switch (row.job.state) {
      case flux::JobState::depend:
        ++states.depend;
        break;
      case flux::JobState::priority:
        ++states.priority;
        break;
      case flux::JobState::sched:
        ++states.sched;
        break;
      case flux::JobState::run:
        ++states.run;
        break;
      case flux::JobState::cleanup:
        ++states.cleanup;
        break;
      default:
        break;
    }
  }
  return states;
}

namespace {

// Turns a table's jobs into a state's: the queues and shapes there are others.
class StateWriter {
 public:
  StateWriter(InstanceState& state, const std::vector<std::string>& queues,
              const std::vector<flux::Shape>& shapes)
      : state_(state), known_(shapes), shape_of_(shapes.size(), none) {
    for (const auto& name : queues) {
      const auto found = std::ranges::find(state.queues, name, &Queue::name);
      queue_of_.push_back(
          found == state.queues.end() ? 0U : static_cast<std::uint32_t>(found - state.queues.begin()));
    }
    state_.shapes.clear();
  }

  [[nodiscard]] Job translate(Job job) {
    job.queue = job.queue < queue_of_.size() ? queue_of_[job.queue] : 0U;
    job.shape = job.shape < shape_of_.size() ? known_shape(job.shape) : shape_by_counts(job);
    return job;
  }

 private:
  static constexpr std::uint32_t none = 0xffffffffU;
  using Counts = std::tuple<std::optional<std::uint32_t>, std::optional<std::uint32_t>, std::uint32_t>;

  std::uint32_t add(flux::Shape shape) {
    state_.shapes.push_back(std::move(shape));
    return static_cast<std::uint32_t>(state_.shapes.size() - 1);
  }
  std::uint32_t known_shape(std::uint32_t index) {
    if (shape_of_[index] == none) shape_of_[index] = add(known_[index]);
    return shape_of_[index];
  }
  // Neighbours are mostly alike: looked up only when the counts differ from those before.
  std::uint32_t shape_by_counts(const Job& job) {
    const Counts counts{job.nnodes, job.ncores, job.queue};
    if (last_ && last_->first == counts) return last_->second;
    const auto [entry, added] = by_counts_.try_emplace(counts, none);
    if (added) {
      flux::Shape shape = flux::shape_from_counts(job.nnodes, job.ncores);
      shape.constraint = state_.queues[job.queue].admits;
      // Different counts may round to the same shape.
      const auto [same, first] = by_shape_.try_emplace(shape, none);
      if (first) same->second = add(std::move(shape));
      entry->second = same->second;
    }
    last_ = {counts, entry->second};
    return entry->second;
  }

  InstanceState& state_;
  const std::vector<flux::Shape>& known_;
  std::vector<std::uint32_t> queue_of_;
  std::vector<std::uint32_t> shape_of_;
  std::map<Counts, std::uint32_t> by_counts_;
  std::map<flux::Shape, std::uint32_t> by_shape_;
  std::optional<std::pair<Counts, std::uint32_t>> last_;
};

}  // namespace

void JobTable::write(InstanceState& state) const {
  StateWriter writer(state, queues_, shapes_);
  std::vector<Job> jobs;
  jobs.reserve(size());
  for (const Row& row : rows_) {
    // NEW is not yet validated: no broker counts it either.
    if (row.dead() || row.job.state == flux::JobState::new_) continue;
    jobs.push_back(writer.translate(row.job));
  }
  state.jobs = std::move(jobs);
}

}  // namespace fluxmetrics::instance
