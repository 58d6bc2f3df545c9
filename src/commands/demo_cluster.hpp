// The demo's stand-in for a Kubernetes cluster: an autoscaler that knows only an https URL and its CA, and a
// MiniCluster whose pods take time to come.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "flux/blocking_client.hpp"
#include "hpa/controller.hpp"
#include "sizing/resize.hpp"

namespace fluxmetrics::commands {

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

// The MiniCluster: spec.size, and pods that follow it. Speaks to the simulated instance over its socket.
class DemoCluster {
 public:
  using Tell = std::function<void(std::string)>;
  DemoCluster(flux::BlockingClient& broker, std::uint32_t size, Seconds pod_start, Tell tell)
      : broker_(broker),
        size_(size),
        pods_(size),
        pod_start_(pod_start),
        tell_(std::move(tell)),
        sizes_{size},
        desired_(size),
        resize_(
            {.hold = Seconds(0), .shrink_every = Seconds(15.0 / DemoAutoscaler::hastened), .writes = true}) {}

  // Moves towards `desired` by the protocol of sizing/resize: up at once, down only when the ranks that go
  // are drained and empty.
  [[nodiscard]] Result<void> scale(std::uint32_t desired, MonoTime now);
  // Lets pods that have started by `now` join the instance.
  [[nodiscard]] Result<void> advance(MonoTime now);

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t pods() const { return pods_; }  // brokers that are online
  [[nodiscard]] const std::vector<std::uint32_t>& sizes() const {
    return sizes_;
  }  // every size so far, in order

 private:
  struct Birth {
    std::uint32_t rank;
    MonoTime when;
  };
  void set_size(std::uint32_t size);
  [[nodiscard]] Result<void> obey_protocol(MonoTime now);
  [[nodiscard]] Result<void> shrink(std::uint32_t size);
  [[nodiscard]] Result<void> grow(std::uint32_t size, MonoTime now);

  flux::BlockingClient& broker_;
  std::uint32_t size_;
  std::uint32_t pods_;
  Seconds pod_start_;
  Tell tell_;
  std::vector<std::uint32_t> sizes_;
  std::vector<Birth> births_;
  std::uint32_t desired_;
  sizing::Resize resize_;
};

}  // namespace fluxmetrics::commands
