// What was allocated since the broker was last asked what is: the journal tells R with each allocation, long
// before a large instance may be asked again.
#pragma once

#include <vector>

#include "base/clock.hpp"
#include "flux/job.hpp"
#include "flux/resource_set.hpp"

namespace fluxmetrics::instance {

// It only adds: what jobs gave back stays allocated until the broker is asked, so that no rank looks idle too
// early.
class AllocationBridge {
 public:
  void allocated(flux::JobId id, flux::ResourceSet R, MonoTime when);
  void freed(flux::JobId id);
  // The broker was asked at `asked`, and so knew of all that the journal had told by then.
  void caught_up(MonoTime asked);
  // `known`, as the broker told it, and what was allocated since.
  [[nodiscard]] flux::ResourceSet over(const flux::ResourceSet& known) const;

 private:
  struct Recent {
    flux::JobId id;
    flux::ResourceSet R;
    MonoTime when;
  };
  std::vector<Recent> recent_;
};

}  // namespace fluxmetrics::instance
