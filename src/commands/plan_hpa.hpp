// `plan --hpa FILE`: HPAs of the user's own beside the built-in strategies.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "hpa/kubernetes_version.hpp"
#include "plan/strategy.hpp"

namespace fluxmetrics::commands {

struct OwnHpas {
  std::vector<std::string> files = {};  // "-" = standard input
  hpa::KubernetesVersion kubernetes = {};
  std::uint32_t min = 1;                 // of the MiniCluster
  std::uint32_t max = 1;                 // its maxSize
  std::vector<std::string> queues = {};  // of the workload
};

// One for each file, in their order, named as the HPA and apart from those in `others`. What `explain` calls
// a fault of an HPA that can be played is logged. Errors: a file without an HPA, an HPA that an API server
// refuses (in its own words), and one with a metric that the model does not know.
[[nodiscard]] Result<std::vector<plan::PlanStrategy>> own_strategies(
    const OwnHpas& own, std::span<const plan::PlanStrategy> others);

}  // namespace fluxmetrics::commands
