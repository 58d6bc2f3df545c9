// Ranks that get no jobs, and since when and why: an entry of resource.status.
#pragma once

#include <string>

#include "flux/idset.hpp"

namespace fluxmetrics::flux {

struct Drain {
  IdSet ranks;
  double timestamp = 0;
  std::string reason;
  bool operator==(const Drain&) const = default;
};

}  // namespace fluxmetrics::flux
