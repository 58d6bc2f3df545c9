// Recorded decisions of a real HPA controller, one scenario a line, and how this program's decisions differ
// from them.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "hpa/kubernetes_version.hpp"

namespace fluxmetrics::hpa {

// One thing that this program would have decided otherwise.
struct VectorDifference {
  std::size_t line = 0;
  std::string scenario = {};
  std::size_t step = 0;
  std::int64_t t_ms = 0;
  // proposals, raw, replicas, cond.TYPE, error, status.FIELD, msg.TYPE, events, errorText; of a timeline
  // syncs.HPA and statusConflicts.
  std::string field = {};
  std::string recorded = {};
  std::string decided = {};
};

struct VectorReport {
  std::size_t scenarios = 0;
  std::size_t steps = 0;
  std::size_t different_steps = 0;
  std::vector<VectorDifference> differences = {};
};

// Plays all scenarios of `lines`, each on the version of Kubernetes that it names, else on `version`, else as
// read_scenario() says. Errors: Code::invalid naming the line and the field that is not as docs/plan.md
// describes it; nothing is compared after it.
[[nodiscard]] Result<VectorReport> compare_vectors(std::istream& lines,
                                                   std::optional<KubernetesVersion> version = {});

}  // namespace fluxmetrics::hpa
