// The resource side of the instance: ranks that come and go, drains, what is allocated, and the views of all
// this that brokers give.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "flux/replies.hpp"
#include "flux/resource_set.hpp"
#include "simulate/drains.hpp"
#include "simulate/nodes.hpp"
#include "simulate/observer.hpp"
#include "simulate/options.hpp"
#include "simulate/pool.hpp"

namespace fluxmetrics::simulate {

class Resources {
 public:
  // `changed` is called when ranks became usable or ceased to be.
  Resources(const Options& options, TimerQueue& timers, Observer& observer, std::function<void()> changed);

  [[nodiscard]] const flux::ResourceSet& all() const { return all_; }
  [[nodiscard]] const std::vector<std::string>& hosts() const { return hosts_; }
  [[nodiscard]] std::string hostlist() const;
  [[nodiscard]] Nodes& nodes() { return nodes_; }
  [[nodiscard]] const Nodes& nodes() const { return nodes_; }
  [[nodiscard]] Pool& pool() { return pool_; }
  [[nodiscard]] const Pool& pool() const { return pool_; }
  [[nodiscard]] const std::map<std::string, flux::IdSet>& properties() const { return properties_; }
  // Ranks that may get jobs: in broker.online and not drained.
  [[nodiscard]] flux::IdSet up() const { return nodes_.members() - drains_.ranks(); }

  // `targets` is an idset or a hostlist. Errors: EINVAL and EEXIST with the broker's text.
  [[nodiscard]] Result<void> drain(std::string_view targets, const std::optional<std::string>& reason,
                                   const std::optional<std::string>& mode);
  [[nodiscard]] Result<void> undrain(std::string_view targets, const std::optional<std::string>& reason,
                                     const std::optional<std::string>& mode);

  [[nodiscard]] flux::ResourceStatus status() const;     // resource.status
  [[nodiscard]] flux::SchedStatus sched_status() const;  // resource.sched-status
  [[nodiscard]] flux::SchedStatus scheduler_status()
      const;                                          // sched.resource-status: fewer keys in empty sets
  [[nodiscard]] flux::ResourceSet allocated() const;  // job-manager.resource-status

  // resource.journal, oldest first: restart, resource-define, then what happened.
  [[nodiscard]] const std::vector<flux::Event>& journal() const { return journal_; }
  // The KVS's resource.eventlog, which has no restart, online and offline.
  [[nodiscard]] std::string kvs_eventlog() const;

 private:
  [[nodiscard]] Result<flux::IdSet> targets(std::string_view text) const;
  [[nodiscard]] flux::ResourceSet whole(const flux::IdSet& ranks) const;
  void record(std::string name, boost::json::object context);
  void record_drain(std::string name, const flux::IdSet& ranks, const std::optional<std::string>& reason,
                    int overwrite);
  void on_members(const flux::IdSet& came, const flux::IdSet& went);

  TimerQueue& timers_;
  Observer& observer_;
  std::function<void()> changed_;
  std::vector<std::string> hosts_;
  std::map<std::string, flux::IdSet> properties_;
  Pool pool_;
  Nodes nodes_;
  Drains drains_;
  std::vector<Slice> slices_;  // everything, by rank
  flux::ResourceSet all_;
  std::vector<flux::Event> journal_;
};

}  // namespace fluxmetrics::simulate
