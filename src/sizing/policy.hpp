// What the user chooses about the wanted size.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace fluxmetrics::sizing {

// What node_wanted_count follows.
enum class SizeRule {
  wanted,        // what runs, the widest waiting job, and the rest as far as it outlasts the patience
  all,           // node_wanted_all_count: whatever could start does
  head_of_line,  // what runs, and the first waiting job of each queue
};

struct SizePolicy {
  SizeRule rule = SizeRule::wanted;
  Seconds hold{60};  // the wanted size falls only after it was smaller for so long; 0 = at once
  // Work that the present ranks will have done within this time asks for no node; 0 = all work asks.
  Seconds patience{60};
  Seconds count_denied{0};  // jobs that were denied within this time ask for nodes; 0 = they do not
  std::uint32_t min_replicas = 1;
  std::optional<std::uint32_t> max_replicas;  // default: the instance's size
};

}  // namespace fluxmetrics::sizing
