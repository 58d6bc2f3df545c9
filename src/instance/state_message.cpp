#include "instance/state_message.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "instance/state_json.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;

constexpr std::size_t most_jobs_a_message = 2000;  // half a megabyte

json::object stamp_json(StateStamp stamp) {
  return {{"generation", stamp.generation},
          {"timestamp", format_rfc3339(stamp.confirmed)},
          {"time", to_unix(stamp.confirmed)}};
}

json::array drains_json(const std::vector<flux::Drain>& drains) {
  json::array written;
  for (const auto& drain : drains) {
    written.push_back(json::object{
        {"ranks", drain.ranks.to_string()}, {"time", drain.timestamp}, {"reason", drain.reason}});
  }
  return written;
}

json::array waits_json(const WaitTimes::Shared& waits) {
  json::array written;
  for (const auto& queue : waits) {
    const auto counts = queue.waits.counts();
    written.push_back(json::object{{"queue", queue.queue},
                                   {"counts", json::array(counts.begin(), counts.end())},
                                   {"sum", queue.waits.sum()}});
  }
  return written;
}

json::array admits_json(const std::vector<Queue>& queues) {
  json::array admits;
  for (const auto& queue : queues)
    admits.push_back(queue.admits.to_json());
  return admits;
}

json::array constraints_json(const std::vector<flux::Shape>& shapes) {
  json::array constraints;
  for (const auto& shape : shapes)
    constraints.push_back(shape.constraint.to_json());
  return constraints;
}

template <class Member>
bool differ(const InstanceState* before, const InstanceState& state, Member InstanceState::* member) {
  return before == nullptr || before->*member != state.*member;
}

// What the document leaves out, as far as it is not the same `before`: of the nodes,
json::object exact_nodes(const InstanceState* before, const InstanceState& state) {
  json::object exact;
  const auto put = [&](std::string_view name, auto member, auto written) {
    if (differ(before, state, member)) exact[name] = written(state.*member);
  };
  const auto as_json = [](const auto& value) { return value.to_json(); };
  const auto as_text = [](const auto& value) { return value.to_string(); };
  put("resources", &InstanceState::resources, as_json);
  put("allocated", &InstanceState::allocated, as_json);
  put("online", &InstanceState::online, as_text);
  put("offline", &InstanceState::offline, as_text);
  put("excluded", &InstanceState::excluded, as_text);
  put("torpid", &InstanceState::torpid, as_text);
  put("removed", &InstanceState::removed, as_text);
  put("drains", &InstanceState::drains, drains_json);
  return exact;
}

// and of all else.
void put_exact(const InstanceState* before, const InstanceState& state, json::object& exact) {
  const auto put = [&](std::string_view name, auto member, auto written) {
    if (differ(before, state, member)) exact[name] = written(state.*member);
  };
  const auto as_is = [](const auto& value) { return value; };
  put("started", &InstanceState::started, as_is);
  put("jobs_unknown", &InstanceState::jobs_unknown, as_is);
  put("allocated_unknown", &InstanceState::allocated_unknown, as_is);
  put("denied_unknown", &InstanceState::denied_unknown, as_is);
  put("admits", &InstanceState::queues, admits_json);
  put("constraints", &InstanceState::shapes, constraints_json);
  put("waits", &InstanceState::waits, waits_json);
}

// All nodes, or those that are others than before.
void put_nodes(const InstanceState* before, const InstanceState& after, json::object& head) {
  auto nodes = nodes_json(after);
  if (differ(before, after, &InstanceState::resources)) {
    head["nodes"] = std::move(nodes);
    return;
  }
  // The same ranks in the same order.
  const auto old = nodes_json(*before);
  json::array changed;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i] != old[i]) changed.push_back(std::move(nodes[i]));
  head["nodes"] = std::move(changed);
}

// Everything but the jobs.
json::object head_json(const InstanceState* before, const InstanceState& state, StateStamp stamp) {
  auto head = stamp_json(stamp);
  if (before == nullptr) head["format"] = state_format;
  auto instance = instance_json(state);
  if (before == nullptr || instance_json(*before) != instance) head["instance"] = std::move(instance);
  if (differ(before, state, &InstanceState::has_scheduler)) head["scheduler"] = state.has_scheduler;
  if (differ(before, state, &InstanceState::scheduler)) head["scheduling"] = state.scheduler.to_json();
  if (differ(before, state, &InstanceState::denied)) head["denied"] = denied_json(state);
  if (before == nullptr ? state.match_stats.has_value() : before->match_stats != state.match_stats)
    head["match_stats"] = state.match_stats ? state.match_stats->to_json() : json::object();
  if (differ(before, state, &InstanceState::stats)) head["counts"] = state.stats.to_json();
  if (differ(before, state, &InstanceState::queues)) head["queues"] = queues_json(state);
  if (differ(before, state, &InstanceState::shapes)) head["shapes"] = shapes_json(state);
  auto exact = exact_nodes(before, state);
  if (!exact.empty()) put_nodes(before, state, head);
  put_exact(before, state, exact);
  if (!exact.empty()) head["exact"] = std::move(exact);
  return head;
}

// Both lists are sorted by id.
struct JobChanges {
  std::vector<const Job*> changed;
  std::vector<flux::JobId> gone;
};
JobChanges compare_jobs(const InstanceState* before, const InstanceState& after) {
  JobChanges changes;
  const SharedList<Job>& now = after.jobs;
  const SharedList<Job> none;
  const SharedList<Job>& then = before == nullptr ? none : before->jobs;
  if (std::as_const(now).begin() == std::as_const(then).begin() && now.size() == then.size()) return changes;
  const Job* old = std::as_const(then).begin();
  const Job* const end = std::as_const(then).end();
  for (const Job& job : now) {
    for (; old != end && old->id < job.id; ++old)
      changes.gone.push_back(old->id);
    const bool known = old != end && old->id == job.id;
    if (!known || *old != job) changes.changed.push_back(&job);
    if (known) ++old;
  }
  for (; old != end; ++old)
    changes.gone.push_back(old->id);
  return changes;
}

// Moves the next jobs of `changes` into `message`, as many as one may hold.
void put_jobs(const InstanceState& state, JobChanges& changes, json::object& message) {
  const auto take = [](auto& list) {
    const auto count = std::min(list.size(), most_jobs_a_message);
    const auto first = list.end() - static_cast<std::ptrdiff_t>(count);
    std::vector taken(first, list.end());
    list.erase(first, list.end());
    return taken;
  };
  json::array jobs;
  for (const Job* const job : take(changes.changed))
    jobs.push_back(job_json(state, *job));
  json::array gone;
  for (const auto id : take(changes.gone))
    gone.emplace_back(std::to_string(id));
  if (!jobs.empty()) message["jobs"] = std::move(jobs);
  if (!gone.empty()) message["gone"] = std::move(gone);
}

}  // namespace

std::string state_document(const InstanceState& state, StateStamp stamp, std::size_t most_jobs) {
  if (state.jobs.size() > most_jobs) return {};
  auto text = json::serialize(head_json(nullptr, state, stamp));
  // A document of all jobs would take ten times the memory of its text.
  text.back() = ',';
  text += "\"jobs\":[";
  for (const Job& job : state.jobs) {
    text += json::serialize(job_json(state, job));
    text += ',';
  }
  if (text.back() == ',') text.pop_back();
  return text += "]}";
}

struct StateMessages::Jobs {
  JobChanges changes;
};

StateMessages::StateMessages(std::shared_ptr<const InstanceState> before,
                             std::shared_ptr<const InstanceState> after, StateStamp stamp)
    : before_(std::move(before)), after_(std::move(after)), stamp_(stamp) {}
StateMessages::~StateMessages() = default;

bool StateMessages::over() const {
  return jobs_ && jobs_->changes.changed.empty() && jobs_->changes.gone.empty();
}

std::string StateMessages::next() {
  json::object message;
  if (jobs_) {
    message = {{"generation", stamp_.generation}};
  } else {
    jobs_ = std::make_unique<Jobs>(compare_jobs(before_.get(), *after_));
    message = head_json(before_.get(), *after_, stamp_);
    if (!before_) message["jobs"] = json::array();
    before_.reset();
  }
  put_jobs(*after_, jobs_->changes, message);
  if (!over()) message["more"] = true;
  return json::serialize(message);
}

std::vector<std::string> state_messages(const InstanceState* before, const InstanceState& after,
                                        StateStamp stamp) {
  const auto lent = [](const InstanceState* state) {
    return std::shared_ptr<const InstanceState>(std::shared_ptr<const InstanceState>(), state);
  };
  StateMessages messages(lent(before), lent(&after), stamp);
  std::vector<std::string> texts;
  while (!messages.over())
    texts.push_back(messages.next());
  return texts;
}

std::string confirmation_message(StateStamp stamp) {
  return json::serialize(stamp_json(stamp));
}

}  // namespace fluxmetrics::instance
