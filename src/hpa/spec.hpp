// What a HorizontalPodAutoscaler (autoscaling/v2) asks for, as the controller sees it: after the API server
// has filled in what was left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxmetrics::hpa {

enum class MetricSource { resource, container_resource, pods, object, external, unknown };

struct HpaTarget {
  std::string type = {};                                 // as written: Value, AverageValue, Utilization
  std::optional<std::int64_t> value = {};                // thousandths
  std::optional<std::int64_t> average_value = {};        // thousandths
  std::optional<std::int32_t> average_utilization = {};  // percent
  bool operator==(const HpaTarget&) const = default;
};

struct HpaObject {
  std::string api_version = {};
  std::string kind = {};
  std::string name = {};
  bool operator==(const HpaObject&) const = default;
};

struct HpaMetric {
  MetricSource source = MetricSource::unknown;
  std::string type = {};              // as written
  std::string name = {};              // of the metric or the resource
  std::string container = {};         // ContainerResource only
  HpaObject object = {};              // Object only
  std::string selector = {};          // of the metric, as a query has it; "" = none
  std::string selector_text = "nil";  // as the controller prints it in messages
  std::string selector_fault = {};    // why no client can use it: the API server looks at no selector
  HpaTarget target = {};
  bool operator==(const HpaMetric&) const = default;
};

enum class PolicyType { pods, percent };
enum class PolicySelect { max, min, disabled };

struct ScalingPolicy {
  PolicyType type = PolicyType::pods;
  std::int32_t value = 0;
  std::int32_t period_seconds = 0;
  bool operator==(const ScalingPolicy&) const = default;
};

struct ScalingRules {
  std::optional<std::int32_t> window_seconds = {};  // nullopt: the controller's own (scaleDown only)
  PolicySelect select = PolicySelect::max;
  std::vector<ScalingPolicy> policies = {};
  std::optional<double> tolerance = {};  // nullopt: the controller's own
  bool operator==(const ScalingRules&) const = default;
};

struct HpaBehavior {
  ScalingRules up;
  ScalingRules down;
  bool operator==(const HpaBehavior&) const = default;
};

struct HpaSpec {
  HpaObject target = {};
  std::int32_t min = 1;
  std::int32_t max = 1;
  std::vector<HpaMetric> metrics = {};
  std::optional<HpaBehavior> behavior = {};  // absent is not the same as empty: other limits hold then
  bool operator==(const HpaSpec&) const = default;
};

// Which HPA it is, as the controller's texts name it.
struct HpaName {
  std::string namespace_ = "default";
  std::string name = "hpa";
};

// The flags of kube-controller-manager that matter, with their defaults.
struct HpaFlags {
  double tolerance = 0.1;
  std::int64_t downscale_window_ms = 300'000;
  std::int64_t cpu_initialization_ms = 300'000;
  std::int64_t readiness_delay_ms = 30'000;
};

// What the API server makes of a direction that `behavior` leaves out or leaves incomplete.
[[nodiscard]] ScalingRules default_up_rules();
[[nodiscard]] ScalingRules default_down_rules();
// The metric of an HPA that names none: CPU at 80 % of its requests.
[[nodiscard]] HpaMetric default_metric();

// The HPA of deploy/hpa.yaml and docs/sizing.md: the size is node_wanted_count, at once and exactly. Where
// nobody drains nodes first, a `down_window_seconds` of 300 makes killed jobs rarer.
[[nodiscard]] HpaSpec follow_wanted_size(std::int32_t min, std::int32_t max,
                                         std::int32_t down_window_seconds = 0);

}  // namespace fluxmetrics::hpa
