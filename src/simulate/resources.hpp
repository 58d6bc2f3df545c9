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
  // Ranks that may get jobs now: in broker.online, and neither drained nor torpid.
  [[nodiscard]] flux::IdSet up() const {
    return (schedulable() & nodes_.members()) - drains_.ranks() - torpid_;
  }
  // Ranks that the scheduler knows at all: neither excluded nor removed.
  [[nodiscard]] flux::IdSet schedulable() const { return all_.ranks() - excluded_ - removed_; }
  [[nodiscard]] const flux::IdSet& excluded() const { return excluded_; }
  [[nodiscard]] const flux::IdSet& removed() const { return removed_; }
  [[nodiscard]] const flux::IdSet& torpid() const { return torpid_; }
  // resource.get's "method": where R comes from.
  [[nodiscard]] std::string_view method() const { return discovers_ ? "dynamic-discovery" : "configuration"; }
  // Ranks whose brokers answer slowly: no new jobs. Before 0.66 Flux drained them instead.
  void set_torpid(const flux::IdSet& ranks, bool torpid);

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
  Release release_;
  bool discovers_;
  flux::IdSet excluded_;
  flux::IdSet removed_;  // lost ranks of an instance that found its resources by itself
  flux::IdSet torpid_;
  std::vector<Slice> slices_;  // everything, by rank
  flux::ResourceSet all_;
  std::vector<flux::Event> journal_;
};

}  // namespace fluxmetrics::simulate
