// The status that the controller writes into an HPA: conditions, current metrics, events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxmetrics::hpa {

struct HpaCondition {
  std::string type = {};
  bool status = false;
  std::string reason = {};
  std::string message = {};
  std::int64_t since_ms = 0;  // when the status, not the reason, last changed
  bool operator==(const HpaCondition&) const = default;
};

class HpaConditions {
 public:
  void set(std::string_view type, bool status, std::string_view reason, std::string message,
           std::int64_t now_ms);
  void remove(std::string_view type);
  [[nodiscard]] const HpaCondition* find(std::string_view type) const;
  [[nodiscard]] bool is_true(std::string_view type) const;
  [[nodiscard]] const std::vector<HpaCondition>& list() const { return list_; }
  bool operator==(const HpaConditions&) const = default;

 private:
  std::vector<HpaCondition> list_;
};

// One entry of status.currentMetrics; all empty when the metric failed.
struct HpaMetricStatus {
  std::string metric = {};                         // which one: type, name, object
  std::optional<std::int64_t> value = {};          // thousandths
  std::optional<std::int64_t> average_value = {};  // thousandths
  std::optional<std::int32_t> utilization = {};    // percent
  bool operator==(const HpaMetricStatus&) const = default;
};

struct HpaStatus {
  std::int32_t current_replicas = 0;
  std::int32_t desired_replicas = 0;
  std::optional<std::int64_t> observed_generation = {};
  std::optional<std::int64_t> last_scale_ms = {};
  std::vector<HpaMetricStatus> current_metrics = {};
  HpaConditions conditions = {};
  bool operator==(const HpaStatus&) const = default;
};

struct HpaEvent {
  bool warning = false;
  std::string reason = {};
  std::string message = {};
};

}  // namespace fluxmetrics::hpa
