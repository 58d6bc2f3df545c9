// One round of a safe resize for a size that an autoscaler reads: look at everything in the order that
// sizing/resize asks for, let it decide, and do what it says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "autoscale/drain_report.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "flux/client.hpp"
#include "flux/idset.hpp"
#include "metrics/snapshot.hpp"
#include "sizing/resize.hpp"

namespace fluxmetrics::autoscale {

// The MiniCluster, its Job and its pods, as the API server tells of them.
struct ClusterLook {
  std::uint32_t size = 0;                    // spec.size
  std::optional<std::uint32_t> parallelism;  // of the Job
  flux::IdSet terminating;                   // indexes with a pod that is being deleted
  flux::IdSet staying;                       // indexes with a pod that is not
};
struct WatchedCluster {
  // Asks the API server now. Empty where there is only Flux to go by.
  std::function<boost::asio::awaitable<Result<ClusterLook>>()> look = {};
  // Indexes whose pods are being deleted, as a watch has told; for an answer on any thread, at once.
  std::function<flux::IdSet()> leaving = {};
};

class Rounds {
 public:
  // `store` and `publisher` must live as long as this.
  Rounds(sizing::ResizePolicy policy, WatchedCluster cluster, metrics::Store& store,
         metrics::Publisher& publisher, Clock clock);

  // `in_touch`: nothing has changed since `needed` was said. Errors: the broker does not answer.
  [[nodiscard]] boost::asio::awaitable<Result<void>> make(std::shared_ptr<flux::Client> client,
                                                          metrics::Needed needed, bool in_touch);
  // Nothing is left to do or to wait for, as of the last round.
  [[nodiscard]] bool settled() const { return settled_; }
  // The smallest size that a reader could bring about, as the last round saw it.
  [[nodiscard]] std::uint32_t handed_out() const { return handed_out_; }
  // Whether a watch has told of pods that go since the last round.
  [[nodiscard]] bool pods_leave() const { return watched_.leaving && watched_.leaving() != leaving_; }

  // At the end, when nobody reads any more: ranks that nobody takes away need not stay drained.
  [[nodiscard]] boost::asio::awaitable<Result<void>> let_go(std::shared_ptr<flux::Client> client);

  // Why nothing is done at all; `why` has no value when somebody may act again.
  void on_trouble(const std::optional<Error>& why);

 private:
  [[nodiscard]] boost::asio::awaitable<Result<sizing::ResizeObservation>> observe(
      std::shared_ptr<flux::Client> client, std::uint32_t undrains_below);
  [[nodiscard]] boost::asio::awaitable<void> look_at_cluster();
  [[nodiscard]] boost::asio::awaitable<Result<void>> act(std::shared_ptr<flux::Client> client,
                                                         sizing::ResizeActions actions, std::string why);
  [[nodiscard]] boost::asio::awaitable<void> name_jobs(std::shared_ptr<flux::Client> client,
                                                       flux::IdSet ranks);
  void publish(std::uint32_t size, const std::string& why_none);
  void tell(const std::string& trouble);

  sizing::ResizePolicy policy_;
  WatchedCluster watched_;
  metrics::Store& store_;
  metrics::Publisher& publisher_;
  Clock clock_;
  sizing::Resize resize_;
  std::string started_;  // the instance that resize_ remembers
  DrainReport report_;
  std::uint32_t need_ = 1;
  std::uint32_t published_ = 0;
  std::uint32_t handed_out_ = 0;
  flux::IdSet ours_;  // as last seen
  std::optional<ClusterLook> cluster_;
  MonoTime cluster_seen_;
  MonoTime no_look_before_;
  flux::IdSet leaving_;  // as a watch told before the last round
  std::string cluster_trouble_;
  std::string told_;                                         // the last trouble in the log
  sizing::ResizeWait waited_ = sizing::ResizeWait::nothing;  // in the last round
  MonoTime named_at_;                                        // when jobs on ranks were last looked up
  bool settled_ = false;
};

}  // namespace fluxmetrics::autoscale
