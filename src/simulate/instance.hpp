// A Flux instance without Flux: brokers, queues, jobs and a scheduler in virtual time. It knows nothing of
// sockets: advance() moves its clock, requests are function calls, and an Observer is told what happens.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "flux/idset.hpp"
#include "simulate/jobs.hpp"
#include "simulate/lifecycle.hpp"
#include "simulate/observer.hpp"
#include "simulate/options.hpp"
#include "simulate/queues.hpp"
#include "simulate/resources.hpp"
#include "simulate/scheduler.hpp"
#include "simulate/timer_queue.hpp"

namespace fluxmetrics::simulate {

enum class Departure {
  lost,      // the node dies
  shutdown,  // the broker is told to stop
  deleted,   // the pod is deleted: with Options::pod_grace its broker lives on until it is killed, else as
             // shutdown
};

class Instance {
 public:
  // `options` have passed check(). `userid` owns the instance and submits the trace.
  Instance(Options options, std::uint32_t userid, Time start, Observer& observer);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() = default;

  [[nodiscard]] Time now() const { return timers_.now(); }
  [[nodiscard]] Time started() const { return started_; }
  void advance(Time time) { timers_.advance(time); }
  [[nodiscard]] TimerQueue& timers() { return timers_; }

  // Brokers come (0.7 s until jobs may run there), or go. Those that are in the wanted state already stay as
  // they are; but where the pod of a living broker was deleted, the broker that comes is a second one, which
  // takes the rank over: jobs there fail. Errors: EINVAL for ranks that do not exist; rank 0, whose end would
  // be the end of the instance, cannot go.
  [[nodiscard]] Result<void> online(const flux::IdSet& ranks);
  [[nodiscard]] Result<void> offline(const flux::IdSet& ranks, Departure how);

  // Ranks answer slowly, or well again. Errors: EINVAL for ranks that do not exist.
  [[nodiscard]] Result<void> set_torpid(const flux::IdSet& ranks, bool torpid);

  // The scheduler is taken away, or loaded (again).
  void set_scheduler(bool loaded);
  [[nodiscard]] bool has_scheduler() const { return has_scheduler_; }
  [[nodiscard]] const Scheduler& scheduler() const { return *scheduler_; }

  // Ends as Flux ends when it is told to: lifecycle() tells how far it is.
  void shut_down() { lifecycle_.shut_down(); }
  [[nodiscard]] Lifecycle& lifecycle() { return lifecycle_; }
  [[nodiscard]] const Lifecycle& lifecycle() const { return lifecycle_; }

  [[nodiscard]] Result<void> start_queue(const std::optional<std::string>& name, bool all, bool value,
                                         const std::optional<std::string>& reason);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::uint32_t userid() const { return userid_; }
  [[nodiscard]] Queues& queues() { return queues_; }
  [[nodiscard]] Resources& resources() { return resources_; }
  [[nodiscard]] Jobs& jobs() { return jobs_; }

 private:
  [[nodiscard]] Result<void> existing(const flux::IdSet& ranks) const;
  void lose(const flux::IdSet& ranks, Nodes::Health as, const std::string& error);
  void stop_brokers(const flux::IdSet& ranks);
  void delete_pods(const flux::IdSet& ranks, double grace);
  void take_over(const flux::IdSet& ranks);
  void beat();
  void cancel_all_jobs();
  void send_followers_away();

  Options options_;
  std::uint32_t userid_;
  Time started_;
  Observer& observer_;
  TimerQueue timers_;
  Queues queues_;
  Resources resources_;
  std::unique_ptr<Scheduler> scheduler_;
  Jobs jobs_;
  Lifecycle lifecycle_;
  bool has_scheduler_;
  std::map<flux::IdSet::Id, std::uint64_t> deleted_;  // living ranks without a future, and by which deletion
  std::uint64_t deletions_ = 0;
};

}  // namespace fluxmetrics::simulate
