// The chain from a broker to the store of snapshots, and what it is made of.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autoscale/drainer.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "instance/collector.hpp"
#include "metrics/catalogue.hpp"
#include "metrics/snapshot.hpp"
#include "server/broker.hpp"
#include "sizing/demand.hpp"
#include "user/user_metrics.hpp"

namespace fluxmetrics::server {

// The metrics of the user's files; null when there are none. Errors: as user::UserMetrics::open().
[[nodiscard]] Result<std::unique_ptr<user::UserMetrics>> open_user_metrics(
    const std::vector<std::string>& files, const Broker& broker, Seconds max_staleness);

// All metrics that there are then.
[[nodiscard]] std::shared_ptr<const metrics::Catalogue> catalogue_of(const user::UserMetrics* user);

// What `start`, `exporter` and `get` find before anything runs.
struct Found {
  Broker broker;
  std::unique_ptr<user::UserMetrics> user;  // null: none were asked for
  std::shared_ptr<const metrics::Catalogue> catalogue;
};
// Errors: all are misuse: the policy's minimum is above its maximum, or as find_broker() and
// open_user_metrics().
[[nodiscard]] Result<Found> find_all(const std::optional<std::string>& flux_uri,
                                     const sizing::SizePolicy& policy,
                                     const std::vector<std::string>& custom_metrics, Seconds max_staleness);

// How `broker`'s ranks are drained.
[[nodiscard]] autoscale::DrainerOptions drainer_options(const Broker& broker,
                                                        const sizing::ResizePolicy& policy,
                                                        autoscale::WatchedCluster cluster);

// Collector -> publisher -> store, running while it lives.
class Pipeline {
 public:
  // `user` may be null.
  Pipeline(const Broker& broker, const sizing::SizePolicy& policy, Seconds max_staleness,
           std::unique_ptr<user::UserMetrics> user = nullptr);
  [[nodiscard]] const metrics::Store& store() const { return store_; }
  // For a while after start(), node_wanted_count is no less than this (metrics::Publisher::keep).
  void keep(std::function<std::uint32_t(const instance::InstanceState&)> size_in_effect) {
    publisher_.keep(std::move(size_in_effect));
  }
  // From start() on, ranks are drained before node_wanted_count falls, and it is what sizing::Resize
  // publishes. A value that was handed out is acted on within `acts_within`.
  void drain(const sizing::ResizePolicy& policy, autoscale::WatchedCluster cluster, Seconds acts_within);
  // On any thread: the cluster may tell of other pods that leave.
  void on_pods() {
    if (drainer_) drainer_->on_pods();
  }
  // Ends draining in good order, when nobody reads any more, and then the collector: what keep() and drain()
  // were given is asked no more.
  void stop();
  // Brings the collector to life; before this the store is empty.
  void start();
  // Returns with the first snapshot, with the first reason why there is none, or when the time is up.
  void await_first_word(Seconds at_most) const;
  // The newest view once there is a snapshot with the values of the user's files, or when the time is up or
  // `given_up`, which is asked now and then, says so.
  [[nodiscard]] metrics::View await_values(
      Seconds at_most, const std::function<bool()>& given_up = [] { return false; }) const;

 private:
  metrics::View look_until(Seconds at_most, const std::function<bool(const metrics::View&)>& enough) const;

  Broker broker_;
  Seconds max_staleness_;
  metrics::Store store_;
  metrics::Publisher publisher_;
  std::optional<autoscale::Drainer> drainer_;     // nullopt: nobody drains
  std::unique_ptr<user::UserMetrics> user_;       // its threads are joined before what they feed goes
  std::optional<instance::Collector> collector_;  // and this before that
};

}  // namespace fluxmetrics::server
