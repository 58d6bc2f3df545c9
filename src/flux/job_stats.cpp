#include "flux/job_stats.hpp"

#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "flux/fields.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

// Where each counter of job-stats lives, so that reading and writing cannot disagree.
template <class T>
using Member = std::pair<std::string_view, std::int64_t T::*>;

constexpr std::array<Member<JobStates>, 7> state_members{{{"depend", &JobStates::depend},
                                                          {"priority", &JobStates::priority},
                                                          {"sched", &JobStates::sched},
                                                          {"run", &JobStates::run},
                                                          {"cleanup", &JobStates::cleanup},
                                                          {"inactive", &JobStates::inactive},
                                                          {"total", &JobStates::total}}};

constexpr std::array<Member<QueueStats>, 5> queue_members{
    {{"successful", &QueueStats::successful},
     {"failed", &QueueStats::failed},
     {"canceled", &QueueStats::canceled},
     {"timeout", &QueueStats::timeout},
     {"inactive_purged", &QueueStats::inactive_purged}}};

Result<QueueStats> read_queue_stats(const json::value& value, std::string_view what) {
  Fields in(value, what);
  QueueStats stats;
  stats.name = in.text("name").value_or("");
  for (const auto& [key, member] : queue_members)
    stats.*member = in.count(key).value_or(0);
  in.require("job_states");
  if (!in.ok()) return in.error();
  Fields counts(*in.any("job_states"), "job-stats: job_states");
  for (const auto& [key, member] : state_members)
    stats.states.*member = counts.count(key).value_or(0);
  for (const auto& [key, member] : state_members)
    counts.require(key);  // a count that nobody tells is not 0
  if (!counts.ok()) return counts.error();
  return stats;
}

json::object write_queue_stats(const QueueStats& stats) {
  json::object states;
  for (const auto& [key, member] : state_members)
    states[key] = stats.states.*member;
  json::object out{{"job_states", std::move(states)}};
  for (const auto& [key, member] : queue_members)
    out[key] = stats.*member;
  return out;
}

}  // namespace

Result<JobStats> JobStats::from_json(const json::value& value) {
  JobStats stats;
  auto all = read_queue_stats(value, "job-stats");
  if (!all) return std::unexpected(all.error());
  stats.all = *std::move(all);
  Fields in(value, "job-stats");
  const auto* queues = in.array("queues");
  if (!in.ok()) return in.error();
  if (queues == nullptr) return stats;
  for (const auto& item : *queues) {
    auto queue = read_queue_stats(item, "job-stats: queues");
    if (!queue) return std::unexpected(queue.error());
    stats.queues.push_back(*std::move(queue));
  }
  return stats;
}

json::value JobStats::to_json() const {
  json::object out = write_queue_stats(all);
  json::array named;
  for (const QueueStats& queue : queues) {
    json::object item = write_queue_stats(queue);
    item["name"] = queue.name;
    named.push_back(std::move(item));
  }
  out["queues"] = std::move(named);
  return out;
}

}  // namespace fluxmetrics::flux
