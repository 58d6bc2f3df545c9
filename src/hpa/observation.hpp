// What the controller reads in one sync: the scale, the pods behind it, and the answers of the metrics APIs.
// Metric values are thousandths.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hpa/spec.hpp"

namespace fluxmetrics::hpa {

enum class PodReady { yes, no, unknown, absent };  // the Ready condition; absent: the pod has none

using Resources = std::map<std::string, std::int64_t>;  // name -> thousandths

struct HpaPod {
  std::string name = {};
  std::string phase = "Running";
  PodReady ready = PodReady::yes;
  std::int64_t ready_since_ms = 0;           // last transition of the Ready condition
  std::optional<std::int64_t> start_ms = 0;  // nullopt: not started
  bool deleting = false;                     // has a deletion timestamp
  std::vector<std::pair<std::string, std::string>> labels = {};
  // Requests by container: the containers, and those init containers that are restarted.
  std::vector<std::pair<std::string, Resources>> requests = {};
  Resources pod_requests = {};  // at the level of the pod
};

// Pods by name; nullopt: no sample.
using PodSamples = std::map<std::string, std::optional<std::int64_t>>;
// Container -> resource -> usage.
using ContainerUsage = std::map<std::string, Resources>;

// Why a call fails in this sync; "" = it does not.
struct HpaFaults {
  std::string get_scale = {};
  std::string update_scale = {};
  std::string update_status = {};
  std::string object = {};
  std::string external = {};
  std::string pods = {};
  std::string resource = {};
  std::int32_t conflicts = 0;  // the scale's update is answered 409 so many times first
};

struct HpaObservation {
  std::int32_t spec_replicas = 0;
  std::int32_t status_replicas = 0;
  std::string selector = {};
  // Names of other HPAs of the namespace whose targets' selectors match pods of this selector.
  std::vector<std::string> rivals = {};
  // The selector's pods one by one, or only how many there are.
  std::optional<std::vector<HpaPod>> pods = {};
  std::int64_t pods_listed = 0;
  std::int64_t pods_ready = 0;  // Running and Ready, also those that are being deleted
  // By metric name, whatever object it is of (recordings have it so), or by object_key(), which goes first;
  // absent: the API answers an error. Written with set_object_value(), read with object_value().
  std::map<std::string, std::int64_t> object = {};
  std::map<std::string, std::vector<std::int64_t>> external = {};
  std::map<std::string, PodSamples> pod_metrics = {};
  std::optional<std::map<std::string, ContainerUsage>> resource = {};  // by pod
  std::int64_t resource_time_ms = 0;
  std::int64_t resource_window_ms = 0;
  // Why one metric is not had, in the words of the controller's client; by metric_key(). Goes before
  // `faults`.
  std::map<std::string, std::string> metric_faults = {};
  HpaFaults faults = {};
};

// Tells the metrics of an HPA apart by what is asked for.
[[nodiscard]] inline std::string metric_key(const HpaMetric& metric) {
  return metric.type + "/" + metric.object.kind + "/" + metric.object.name + "/" + metric.name + "/" +
         metric.selector;
}
// Why `metric` is not had; "" = it is, or nothing is known but that it is not.
[[nodiscard]] inline const std::string& metric_fault(const HpaObservation& seen, const HpaMetric& metric,
                                                     const std::string& of_its_api) {
  const auto found = seen.metric_faults.find(metric_key(metric));
  return found == seen.metric_faults.end() ? of_its_api : found->second;
}

// Tells apart the metrics of that name which several objects have: KIND/NAME/METRIC.
[[nodiscard]] inline std::string object_key(const HpaMetric& metric) {
  return metric.object.kind + "/" + metric.object.name + "/" + metric.name;
}
// What the API says of `metric` of its object, in thousandths; null where it answers an error.
[[nodiscard]] inline const std::int64_t* object_value(const HpaObservation& seen, const HpaMetric& metric) {
  auto found = seen.object.find(object_key(metric));
  if (found == seen.object.end()) found = seen.object.find(metric.name);
  return found == seen.object.end() ? nullptr : &found->second;
}
// Of its object alone: another object's metric of that name keeps its value.
inline void set_object_value(HpaObservation& seen, const HpaMetric& metric, std::int64_t milli) {
  seen.object[object_key(metric)] = milli;
}

}  // namespace fluxmetrics::hpa
