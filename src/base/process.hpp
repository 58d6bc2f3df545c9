// What this process takes of its machine.
#pragma once

#include <cstdint>

namespace fluxmetrics {

struct ProcessUse {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t max_files = 0;
};

// Zeros for what the system does not tell.
[[nodiscard]] ProcessUse read_process_use();

}  // namespace fluxmetrics
