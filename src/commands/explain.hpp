// `explain`: what a HorizontalPodAutoscaler will do, and what is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "commands/command_line.hpp"
#include "hpa/kubernetes_version.hpp"

namespace fluxmetrics::commands {

struct ExplainOptions {
  std::string hpa;                          // a file, "-", or with namespace_ the name of an HPA in a cluster
  std::string namespace_;                   // "" = a file
  std::string kubeconfig;                   // "" = the pod's service account
  std::vector<std::string> metrics;         // NAME=VALUE
  std::vector<std::string> custom_metrics;  // files
  std::optional<std::string> flux_uri;      // where values come from that are not given
  std::optional<std::int32_t> replicas;     // spec.replicas of the target
  std::optional<std::int32_t> status;       // status.replicas
  std::optional<std::int32_t> ready;        // ready pods
  std::optional<std::int32_t> max_size;     // spec.maxSize of the MiniCluster
  // nullopt: the cluster's own, of a file the newest.
  std::optional<hpa::KubernetesVersion> kubernetes_version;
  Seconds span{600};            // how far to look ahead
  Seconds timeout{10};          // for the broker
  std::string output = "text";  // text, json or yaml
  bool fix = false;             // print the corrected HPA instead
};

void add_explain(Command& program);
int run_explain(const ExplainOptions& options);

}  // namespace fluxmetrics::commands
