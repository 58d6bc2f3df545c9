// What is wrong with an HPA, each fault in a sentence, and what to change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scaling/hpa_cluster.hpp"
#include "scaling/hpa_forecast.hpp"
#include "scaling/hpa_own_metrics.hpp"
#include "scaling/hpa_validation.hpp"

namespace fluxmetrics::scaling {

enum class Severity { note, warning, fault };
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  std::string id = {};  // "cannot-scale-up", ...: docs/explain.md has the list
  Severity severity = Severity::note;
  std::string text = {};
  bool elsewhere = false;  // no other text of the HPA mends it
};

struct UnknownMetric {
  std::string name = {};
  std::string meant = {};  // the metric of nearly that name; "" for none
};

struct AdviceInput {
  Forecast forecast = {};
  // spec.maxSize of the MiniCluster, where it is known.
  std::optional<std::int32_t> max_size = {};
  // Metrics of this program that the HPA names and that do not exist.
  std::vector<UnknownMetric> unknown_metrics = {};
  // Of an HPA that no API server has read yet.
  HpaRefusal refusal = {};
  std::vector<std::string> repeated_fields = {};  // "spec.maxReplicas"
  std::optional<ClusterFacts> cluster = {};       // of an HPA that a cluster was asked about
};

[[nodiscard]] bool targets_minicluster(const HpaSpec& spec);

// What the API server says of an HPA that it does not take as it is.
[[nodiscard]] std::vector<Finding> find_refusals(const HpaRefusal& refusal);

// Of an HPA that the API server takes. The worst first.
[[nodiscard]] std::vector<Finding> find_faults(const AdviceInput& input);

}  // namespace fluxmetrics::scaling
