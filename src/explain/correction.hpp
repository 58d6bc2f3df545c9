// The corrected form of the HPA that `explain` was given, and what is wrong with it all the same.
#pragma once

#include <vector>

#include "commands/explain.hpp"
#include "scaling/hpa_fix.hpp"

namespace fluxmetrics::commands {

struct Correction {
  scaling::FixedHpa hpa = {};
  std::vector<scaling::Finding> left = {};  // faults and warnings of the corrected one
};

// An API server takes what comes out. Errors: Code::invalid, with what it refuses and nobody but the author
// can mend.
[[nodiscard]] Result<Correction> correct(const ExplainSubject& subject);

}  // namespace fluxmetrics::commands
