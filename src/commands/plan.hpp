// `plan`: plays autoscalers over a workload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "commands/command_line.hpp"
#include "hpa/kubernetes_version.hpp"

namespace fluxmetrics::commands {

struct PlanOptions {
  std::string vectors;                  // file of recorded decisions to compare with; "-" = standard input
  std::string trace;                    // file of jobs
  std::string workload;                 // instead of a trace: daily or burst
  std::vector<std::string> strategies;  // by name; empty = all
  std::vector<std::string> hpas;        // files; "-" = standard input
  std::uint32_t min = 2;                // nodes
  std::uint32_t max = 64;
  std::uint32_t cores = 8;  // a node
  std::uint64_t seed = 1;
  Seconds period{15.02};
  Seconds hold{60};
  Seconds patience{60};
  Seconds pod_grace{30};
  std::optional<hpa::KubernetesVersion> kubernetes_version;
  std::string plots;             // directory for SVG files
  std::string theme = "auto";    // of the plots: auto, light or dark
  std::string output = "table";  // table, json or csv
};

void add_plan(Command& program);  // and its `record`
int run_plan(const PlanOptions& options);

}  // namespace fluxmetrics::commands
