// What is known of an HPA when it is judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "explain/cluster_facts.hpp"
#include "hpa/forecast.hpp"
#include "hpa/validation.hpp"

namespace fluxmetrics::explain {

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
  hpa::Forecast forecast = {};
  // spec.maxSize and spec.minSize of the MiniCluster, where they are known.
  std::optional<std::int32_t> max_size = {};
  std::optional<std::int32_t> min_size = {};
  // Its status.maximumSize: the largest size that it was made with, and stays with.
  std::optional<std::int32_t> maximum_size = {};
  std::optional<SizeInFile> beside = {};
  // Metrics of this program that the HPA names and that do not exist.
  std::vector<UnknownMetric> unknown_metrics = {};
  // Of an HPA that no API server has read yet.
  hpa::HpaRefusal refusal = {};
  std::vector<RepeatedField> repeated_fields = {};
  std::optional<ClusterFacts> cluster = {};  // of an HPA that a cluster was asked about
};

}  // namespace fluxmetrics::explain
