// What commands there are.
#pragma once

#include <string_view>

namespace fluxmetrics::commands {

inline constexpr std::string_view program_version = FLUXMETRICS_VERSION;

// Parses, dispatches, returns the exit code: 0 fine, 1 failed, 2 misused.
int run_cli(int argc, const char* const* argv);

}  // namespace fluxmetrics::commands
