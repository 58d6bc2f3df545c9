// What is wrong with an HPA, each fault in a sentence, and what to change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scaling/hpa_cluster.hpp"
#include "scaling/hpa_fields.hpp"
#include "scaling/hpa_forecast.hpp"

namespace fluxmetrics::scaling {

enum class Severity { note, warning, fault };
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  std::string id = {};  // "cannot-scale-up", ...: docs/explain.md has the list
  Severity severity = Severity::note;
  std::string text = {};
  bool elsewhere = false;  // no other text of the HPA mends it
};

struct AdviceInput {
  Forecast forecast = {};
  // spec.maxSize of the MiniCluster, where it is known.
  std::optional<std::int32_t> max_size = {};
  // Metrics of this program that the HPA names and that do not exist.
  std::vector<std::string> unknown_metrics = {};
  // Of an HPA that no API server has read yet.
  std::vector<UnknownField> unknown_fields = {};
  std::optional<ClusterFacts> cluster = {};  // of an HPA that a cluster was asked about
};

// The metric counts the target's own nodes: an HPA on it feeds back on itself.
[[nodiscard]] bool counts_own_size(const HpaMetric& metric);
[[nodiscard]] bool targets_minicluster(const HpaSpec& spec);

// The worst first.
[[nodiscard]] std::vector<Finding> find_faults(const AdviceInput& input);

}  // namespace fluxmetrics::scaling
