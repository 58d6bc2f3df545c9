// The questions that the collector asks a broker, typed, with the fallbacks that older brokers need.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "flux/client.hpp"
#include "flux/job_list.hpp"
#include "flux/job_stats.hpp"
#include "flux/replies.hpp"
#include "instance/cost.hpp"
#include "instance/job_list.hpp"
#include "instance/rpc_times.hpp"
#include "instance/state.hpp"

namespace fluxmetrics::instance {

template <class T>
using Task = boost::asio::awaitable<Result<T>>;

// Which RPC tells what is allocated: the first one that this broker has and allows us.
enum class AllocatedSource { job_manager, resource_sched_status, sched_resource_status };

// Whether `error` means that this broker never answers such a request, or not to us.
[[nodiscard]] bool nobody_tells(const Error& error);

// How a broker wants to be asked for its jobs.
struct ListDialect {
  bool t_sched = true;     // since 0.87
  bool constraint = true;  // since 0.53
};

class Queries {
 public:
  // `times` takes how long each question took, and must live as long as this; null = nobody wants to know.
  explicit Queries(std::shared_ptr<flux::Client> client, RpcTimes* times = nullptr, Clock clock = Now::read)
      : client_(std::move(client)), times_(times), clock_(std::move(clock)) {}
  // What the questions of this object cost the broker, full lists of jobs apart: these are asked for by the
  // clock.
  [[nodiscard]] CostMeter& meter() { return meter_; }

  // attr.get of rank 0; nullopt when there is no such attribute.
  [[nodiscard]] Task<std::optional<std::string>> attribute(std::string name);
  // The same of the broker that we are connected to: the way to the parent instance begins at its host.
  [[nodiscard]] Task<std::optional<std::string>> own_attribute(std::string name);
  // state-machine.get; "run" for a broker that has no such service (before 0.36).
  [[nodiscard]] Task<std::string> broker_state();
  [[nodiscard]] Task<flux::ResourceStatus> resource_status();
  // The ranks that the scheduler is given, down or not; nullopt where resource.sched-status is unknown
  // (before 0.61).
  [[nodiscard]] Task<std::optional<flux::IdSet>> schedulable_ranks();
  // Whether the broker treats us as its owner, who may read jobspecs and drain.
  [[nodiscard]] Task<bool> owner();
  // Finds the source when it is not known, or lost. Errors: nobody_tells() of those that every source has.
  [[nodiscard]] Task<flux::ResourceSet> allocated();
  // The ranks that the scheduler itself, in the order of what reaches it, takes for usable now; nullopt where
  // none is loaded. (Not of the resource module: that answers before the scheduler has heard of a drain.)
  [[nodiscard]] Task<std::optional<flux::IdSet>> ranks_in_schedule();
  [[nodiscard]] Task<flux::JobStats> job_stats();
  // job-manager.stats-get's active_jobs.
  [[nodiscard]] Task<std::uint64_t> active_jobs();
  // Hands every job of the list to `take`, as the reply comes in; tells the latest time that the list
  // mentions. Uncapped: a capped list would make demand too small.
  [[nodiscard]] Task<double> list(JobList which, flux::JobListReader::Take take);
  // Whether lists of changes can be asked for; unknown (true) before the first list.
  [[nodiscard]] bool can_list_changes() const { return dialect_.t_sched; }
  // The jobspecs as they are now, asked for all at once, in the order of `ids`; not_found of a job that is
  // gone.
  [[nodiscard]] boost::asio::awaitable<std::vector<Result<boost::json::value>>> jobspecs(
      std::vector<flux::JobId> ids);
  // Which scheduler there is and how it is set. Errors: nobody answered in time; what the broker or the
  // scheduler refuse to tell is no error, but unknown.
  [[nodiscard]] Task<Scheduler> scheduler();
  // sched-fluxion-resource.stats-get.
  [[nodiscard]] Task<MatchStats> match_stats();
  // job-list.list with a request of another's making (DeniedJobs).
  [[nodiscard]] Task<boost::json::value> list_as_json(std::string request);
  // The jobspec of a job that has ended. Only the owner and who submitted it may read it.
  [[nodiscard]] Task<boost::json::value> ended_jobspec(flux::JobId id);
  // Configured queues and what they admit; one anonymous queue when there are none. Status not filled in.
  [[nodiscard]] Task<std::vector<Queue>> queues();
  // Fills in enabled and started of `queues`; tells whether a scheduler is there.
  [[nodiscard]] Task<bool> queue_status(std::span<Queue> queues);

 private:
  [[nodiscard]] Task<boost::json::value> ask(std::string topic, std::string payload,
                                             flux::RpcOptions options = {});
  // As ask(), for a T: whatever has a from_json().
  template <class T>
  [[nodiscard]] Task<T> ask_for(std::string topic, std::string payload = "{}");
  [[nodiscard]] Task<std::optional<std::string>> attribute_of(std::string name, std::uint32_t nodeid);
  [[nodiscard]] Task<void> ask_fluxion(Scheduler& scheduler);
  [[nodiscard]] Task<double> list_once(std::string request, bool metered, flux::JobListReader::Take take);

  std::shared_ptr<flux::Client> client_;
  RpcTimes* times_;
  Clock clock_;
  CostMeter meter_{clock_().mono};
  std::optional<AllocatedSource> source_;
  ListDialect dialect_;
};

}  // namespace fluxmetrics::instance
