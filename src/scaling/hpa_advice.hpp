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
  // Where an API server refuses the HPA: the field, and the reason in Kubernetes' words.
  std::string field = {};
  std::string reason = {};
};

struct UnknownMetric {
  std::string name = {};
  std::string meant = {};  // the metric of nearly that name; "" for none
};

// A field that stands twice in the HPA's file: "spec.maxReplicas".
struct RepeatedField {
  std::string name = {};
  bool in_json = false;  // that is sent as it is written, and not made of YAML
};

// The size that another object of the HPA's file, its target, sets.
struct SizeInFile {
  std::string field = {};  // "spec.replicas"
  std::int32_t size = 0;
};

struct AdviceInput {
  Forecast forecast = {};
  // spec.maxSize and spec.minSize of the MiniCluster, where they are known.
  std::optional<std::int32_t> max_size = {};
  std::optional<std::int32_t> min_size = {};
  std::optional<SizeInFile> beside = {};
  // Metrics of this program that the HPA names and that do not exist.
  std::vector<UnknownMetric> unknown_metrics = {};
  // Of an HPA that no API server has read yet.
  HpaRefusal refusal = {};
  std::vector<RepeatedField> repeated_fields = {};
  std::optional<ClusterFacts> cluster = {};  // of an HPA that a cluster was asked about
};

[[nodiscard]] bool targets_minicluster(const HpaSpec& spec);

// What the API server says of an HPA that it does not take as it is.
[[nodiscard]] std::vector<Finding> find_refusals(const HpaRefusal& refusal);

// Of an HPA that the API server takes. The worst first.
[[nodiscard]] std::vector<Finding> find_faults(const AdviceInput& input);

}  // namespace fluxmetrics::scaling
