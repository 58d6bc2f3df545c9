// The corrected form of the HPA that `explain` was given, and what is wrong with it all the same.
#pragma once

#include <vector>

#include "explain/fix.hpp"
#include "explain/subject.hpp"

namespace fluxmetrics::explain {

struct Correction {
  FixedHpa hpa = {};
  std::vector<Finding> left = {};  // faults and warnings of the corrected one
};

// An API server takes what comes out. Errors: Code::invalid, with what it refuses and nobody but the author
// can mend.
[[nodiscard]] Result<Correction> correct(const ExplainSubject& subject);

}  // namespace fluxmetrics::explain
