#include "simulate/instance.hpp"

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "simulate/job_request.hpp"
#include "simulate/schedulers.hpp"
#include "simulate/timings.hpp"

namespace fluxmetrics::simulate {

Instance::Instance(Options options, std::uint32_t userid, Time start, Observer& observer)
    : options_(std::move(options)),
      userid_(userid),
      started_(start),
      observer_(observer),
      timers_(start),
      queues_(options_),
      resources_(options_, timers_, observer,
                 [this] {
                   lifecycle_.on_members(resources_.nodes().members());
                   jobs_.kick();
                 }),
      scheduler_(make_scheduler(options_, queues_, resources_)),
      jobs_(timers_, observer, queues_, resources_, *scheduler_),
      lifecycle_(timers_, options_.quorum,
                 {.cancel_jobs = [this] { cancel_all_jobs(); },
                  .send_away = [this] { send_followers_away(); },
                  .unload = [&observer] { observer.on_unload(); },
                  .exit = [&observer] { observer.on_exit(); }}),
      has_scheduler_(options_.scheduler) {
  jobs_.set_scheduler(has_scheduler_);
  lifecycle_.on_members(resources_.nodes().members());
  jobs_.preload(options_.pending, options_.running, options_.cores, userid_);
  for (const TraceJob& job : options_.trace) {
    timers_.after(job.t, [this, request = job.request] {
      const auto jobspec = make_jobspec(request);
      if (!jobspec)
        return log::warning("a job of the trace cannot be submitted: {}", jobspec.error().message);
      const auto id = jobs_.submit({.J = wrap_unsigned(userid_, boost::json::serialize(*jobspec)),
                                    .urgency = request.urgency,
                                    .userid = userid_});
      if (!id) log::warning("a job of the trace is refused: {}", id.error().message);
    });
  }
  timers_.after(timing::heartbeat, [this] { beat(); });
}

void Instance::beat() {
  observer_.on_publish("heartbeat.pulse", nullptr, false);
  timers_.after(timing::heartbeat, [this] { beat(); });
}

Result<void> Instance::existing(const flux::IdSet& ranks) const {
  if (ranks.empty()) return fail_errno(Code::invalid, EINVAL, "no ranks are given");
  if (*ranks.last() < options_.max_size) return {};
  return fail_errno(Code::invalid, EINVAL, "rank {} does not exist: the ranks are 0-{}", *ranks.last(),
                    options_.max_size - 1);
}

Result<void> Instance::online(const flux::IdSet& ranks) {
  if (auto exist = existing(ranks); !exist) return exist;
  if (const flux::IdSet never = ranks & resources_.removed(); !never.empty())
    return fail_errno(
        Code::invalid, EINVAL,
        "rank {} is removed for good: an instance that discovered its resources takes no rank back",
        never.to_string());
  flux::IdSet taken_over;
  for (const auto& [rank, deletion] : deleted_)
    if (ranks.contains(rank)) taken_over.insert(rank);
  take_over(taken_over);
  for (const flux::IdSet::Id rank : ranks)
    resources_.nodes().join(rank);
  return {};
}

Result<void> Instance::offline(const flux::IdSet& ranks, Departure how) {
  if (auto exist = existing(ranks); !exist) return exist;
  if (ranks.contains(0))
    return fail_errno(Code::invalid, EINVAL,
                      "rank 0 leads the instance and cannot leave it: stop the simulator instead");
  if (how == Departure::lost) {
    lose(ranks, Nodes::Health::lost, "lost connection");
  } else if (how == Departure::deleted && options_.pod_grace) {
    delete_pods(ranks, *options_.pod_grace);
  } else {
    stop_brokers(ranks);
  }
  return {};
}

void Instance::lose(const flux::IdSet& ranks, Nodes::Health as, const std::string& error) {
  // First all are gone, then the jobs fail: none may count another of these ranks as a survivor.
  for (const flux::IdSet::Id rank : ranks) {
    deleted_.erase(rank);
    resources_.nodes().lose(rank, as, error);
  }
  for (const flux::IdSet::Id rank : ranks)
    jobs_.rank_lost(rank);
}

void Instance::stop_brokers(const flux::IdSet& ranks) {
  flux::IdSet leaving;
  for (const flux::IdSet::Id rank : ranks)
    if (resources_.nodes().alive(rank)) leaving.insert(rank);
  timers_.after(timing::shutdown_jobs, [this, leaving] { jobs_.ranks_stopping(leaving); });
  timers_.after(timing::shutdown_exit,
                [this, leaving] { lose(leaving, Nodes::Health::offline, "administrative shutdown"); });
}

// PID 1 of a MiniCluster's pod is a shell, which ignores SIGTERM: the broker hears nothing, takes jobs as
// before, and is killed at the end of the grace period.
void Instance::delete_pods(const flux::IdSet& ranks, double grace) {
  const std::uint64_t deletion = ++deletions_;
  for (const flux::IdSet::Id rank : ranks)
    if (resources_.nodes().alive(rank)) deleted_.emplace(rank, deletion);
  timers_.after(grace, [this, deletion] {
    flux::IdSet killed;
    for (const auto& [rank, by] : deleted_)
      if (by == deletion) killed.insert(rank);
    lose(killed, Nodes::Health::lost, "lost connection");
  });
}

void Instance::take_over(const flux::IdSet& ranks) {
  for (const flux::IdSet::Id rank : ranks) {
    deleted_.erase(rank);
    resources_.nodes().supersede(rank);
  }
  for (const flux::IdSet::Id rank : ranks)
    jobs_.rank_lost(rank);
}

Result<void> Instance::set_torpid(const flux::IdSet& ranks, bool torpid) {
  if (auto exist = existing(ranks); !exist) return exist;
  resources_.set_torpid(ranks, torpid);
  return {};
}

void Instance::set_scheduler(bool loaded) {
  has_scheduler_ = loaded;
  jobs_.set_scheduler(loaded);
}

void Instance::cancel_all_jobs() {
  static_cast<void>(queues_.start(std::nullopt, true, false, "instance is shutting down"));
  std::vector<flux::JobId> active;
  for (const auto& [id, job] : jobs_.all())
    if (job.active()) active.push_back(id);
  for (const flux::JobId id : active)
    static_cast<void>(jobs_.raise(id, "cancel", 0, "instance is shutting down", userid_));
}

void Instance::send_followers_away() {
  flux::IdSet followers = resources_.nodes().members();
  followers.erase(0);
  if (!followers.empty()) static_cast<void>(offline(followers, Departure::shutdown));
}

Result<void> Instance::start_queue(const std::optional<std::string>& name, bool all, bool value,
                                   const std::optional<std::string>& reason) {
  auto changed = queues_.start(name, all, value, reason);
  if (changed) jobs_.kick();
  return changed;
}

}  // namespace fluxmetrics::simulate
