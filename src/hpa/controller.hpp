// One sync of Kubernetes' HorizontalPodAutoscaler controller after another, by the rules of one release: what
// it reads goes in, what it decides comes out, and between syncs the object keeps what the controller and the
// API server keep. Source: pkg/controller/podautoscaler of Kubernetes 1.27 to 1.37.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hpa/history.hpp"
#include "hpa/kubernetes_version.hpp"
#include "hpa/metrics.hpp"
#include "hpa/observation.hpp"
#include "hpa/spec.hpp"
#include "hpa/status.hpp"

namespace fluxmetrics::hpa {

// How a sync came to its size, for people.
enum class HpaPath {
  no_scale,   // the scale subresource could not be read
  disabled,   // 0 replicas, and not by this controller
  above_max,  // set to max without a look at the metrics
  below_min,  // set to min without a look at the metrics
  no_metric,  // the metrics failed, the size stays
  computed,
};

struct HpaDecision {
  HpaPath path = HpaPath::computed;
  // One an entry of spec.metrics, nullopt where the metric failed; empty when none was read.
  std::vector<std::optional<std::int32_t>> proposals = {};
  std::vector<std::expected<MetricProposal, MetricFailure>> metrics = {};
  std::optional<std::int32_t> raw = {};         // the largest proposal
  std::optional<std::int32_t> wanted = {};      // the same, at least 0: what is recorded
  std::optional<std::int32_t> stabilised = {};  // after the windows
  std::optional<std::int32_t> desired = {};     // after the limits: what is asked of the scale subresource
  std::int32_t replicas = 0;                    // spec.replicas after the sync
  std::string error = {};                       // what the sync returns; "" = none
  std::vector<HpaEvent> events = {};
};

class HpaController {
 public:
  explicit HpaController(HpaFlags flags = {}, HpaPlatform platform = {}, HpaName name = {})
      : flags_(flags), platform_(platform), name_(std::move(name)) {}

  // Times count from any moment, but never backwards.
  HpaDecision sync(const HpaSpec& spec, const HpaObservation& seen, std::int64_t now_ms);

  // The controller's process starts anew; the HPA and its status stay.
  void restart() { history_.forget(); }
  // The HPA is deleted and made again.
  void recreate();
  // Somebody changes the HPA's spec: the API server counts that in metadata.generation.
  void edited() { ++generation_; }
  // The status says that the controller itself scaled the target to zero.
  void assume_scaled_to_zero(std::int64_t now_ms);
  // What the stored status says; those that a sync does not touch stay.
  void assume_conditions(HpaConditions conditions) { status_.conditions = std::move(conditions); }
  // The controller runs since before the first sync(), and recommended the size then.
  void assume_recommended(std::int32_t replicas, std::int64_t at_ms) { history_.begin(replicas, at_ms); }

  [[nodiscard]] const HpaStatus& status() const { return status_; }
  [[nodiscard]] std::int64_t generation() const { return generation_; }
  [[nodiscard]] const HpaHistory& history() const { return history_; }
  [[nodiscard]] const HpaFlags& flags() const { return flags_; }
  [[nodiscard]] const HpaPlatform& platform() const { return platform_; }

 private:
  HpaFlags flags_;
  HpaPlatform platform_;
  HpaName name_;
  std::int64_t generation_ = 1;
  HpaHistory history_;
  HpaStatus status_;
};

}  // namespace fluxmetrics::hpa
