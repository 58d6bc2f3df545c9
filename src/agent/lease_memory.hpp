// Whom the agent obeyed last: a controller that has lost its Lease must not undo what its successor does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/command.hpp"
#include "base/result.hpp"
#include "flux/replies.hpp"

namespace fluxmetrics::agent {

// The reason of a drain by `command`. It tells whose command it was and survives this program.
[[nodiscard]] std::string reason_of(const Command& command);
// The leadership that such a reason tells; nullopt for every other one.
[[nodiscard]] std::optional<Leadership> leadership_in(std::string_view reason);

class LeaseMemory {
 public:
  // Takes up what a program before this one obeyed, as far as drain reasons tell: one that drained nothing
  // that is still drained is forgotten. Only the first call does anything.
  void recall(const std::vector<flux::Drain>& drains);
  // Errors: Code::conflict: somebody newer was obeyed, or another holder of the same transitions.
  [[nodiscard]] Result<void> check(const Leadership& lease) const;
  void obeyed(const Leadership& lease) { last_ = lease; }

 private:
  std::optional<Leadership> last_;
  bool recalled_ = false;
};

}  // namespace fluxmetrics::agent
