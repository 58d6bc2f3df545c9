// The demo's stand-in for a Kubernetes cluster: an autoscaler that knows only an https URL and its CA, and a
// MiniCluster whose pods take time to come.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "autoscale/round.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "flux/blocking_client.hpp"
#include "flux/idset.hpp"
#include "hpa/controller.hpp"

namespace fluxmetrics::commands {

[[nodiscard]] std::string ranks_text(const flux::IdSet& ranks);  // "rank 3", "ranks 2-3"

// A HorizontalPodAutoscaler as a cluster would run it, with the spec of deploy/hpa.yaml: it reads
// node_wanted_count by one GET of one metric, and decides with the controller's own rules.
class DemoAutoscaler {
 public:
  DemoAutoscaler(std::string url, std::string ca_file) : url_(std::move(url)), ca_file_(std::move(ca_file)) {}
  // What the controller makes of the present size. Errors: the server cannot be reached or trusted, or has no
  // value; the controller then keeps the size.
  [[nodiscard]] Result<std::uint32_t> desired(std::uint32_t replicas, MonoTime now);

  static constexpr std::uint32_t min_replicas = 2;
  static constexpr std::uint32_t max_replicas = 4;
  // A second of the demo is a sync, which is 15 s elsewhere.
  static constexpr int hastened = 15;

 private:
  std::string url_;
  std::string ca_file_;
  hpa::HpaController controller_;
  std::optional<MonoTime> began_;
};

// The MiniCluster: spec.size, and pods that follow it, which die 30 s after their deletion elsewhere. It does
// what it is told, and drains nothing. Speaks to the simulated instance over its socket.
class DemoCluster {
 public:
  using Tell = std::function<void(std::string)>;
  struct Times {
    Seconds pod_start;
    Seconds pod_grace;  // as of the simulated instance
  };
  DemoCluster(flux::BlockingClient& broker, std::uint32_t size, Times times, Tell tell)
      : broker_(broker), times_(times), tell_(std::move(tell)), size_(size), pods_(size), sizes_{size} {}

  // Somebody writes spec.size.
  [[nodiscard]] Result<void> scale(std::uint32_t size, MonoTime now);
  // Lets pods that have started by `now` join the instance, and forgets those that have died.
  [[nodiscard]] Result<void> advance(MonoTime now);

  // On any thread: what an API server would tell.
  [[nodiscard]] autoscale::ClusterLook look() const;

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t pods() const { return pods_; }  // brokers that are online, to stay
  [[nodiscard]] const std::vector<std::uint32_t>& sizes() const {
    return sizes_;
  }  // every size so far, in order

 private:
  struct Change {
    std::uint32_t rank;
    MonoTime when;
  };
  [[nodiscard]] Result<void> shrink(std::uint32_t size, MonoTime now);
  void grow(std::uint32_t size, MonoTime now);

  flux::BlockingClient& broker_;
  Times times_;
  Tell tell_;
  mutable std::mutex mutex_;  // of size_ and deaths_, which look() reads
  std::uint32_t size_;
  std::vector<Change> deaths_;
  std::uint32_t pods_;
  std::vector<Change> births_;
  std::vector<std::uint32_t> sizes_;
};

}  // namespace fluxmetrics::commands
