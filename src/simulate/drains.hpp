// Who is drained, since when and why: the rules of resource.drain and resource.undrain.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "flux/drain.hpp"
#include "flux/idset.hpp"
#include "simulate/timer_queue.hpp"

namespace fluxmetrics::simulate {

// How a drain treats ranks that are drained already.
enum class DrainMode {
  strict,           // refuse
  update,           // give them a reason if they have none
  overwrite,        // replace the reason
  force_overwrite,  // and the time
};
// Errors: EINVAL for an unknown `mode`, with the broker's text.
[[nodiscard]] Result<DrainMode> drain_mode(const std::optional<std::string>& mode);

class Drains {
 public:
  // Errors: EEXIST naming the ranks that are drained already (DrainMode::strict only); nothing changes then.
  [[nodiscard]] Result<void> drain(const flux::IdSet& ranks, Time now,
                                   const std::optional<std::string>& reason, DrainMode mode);
  // `tolerant`: ranks that are not drained are skipped, else EEXIST naming the first of them.
  [[nodiscard]] Result<void> undrain(const flux::IdSet& ranks, bool tolerant);

  [[nodiscard]] flux::IdSet ranks() const;
  // As resource.status shows them: ranks with one reason and one second, rounded, share an entry.
  [[nodiscard]] std::vector<flux::Drain> merged() const;

 private:
  struct Info {
    Time since;
    std::optional<std::string> reason;
  };
  std::map<flux::IdSet::Id, Info> drained_;
};

}  // namespace fluxmetrics::simulate
