// Standard output of every command: what cannot be written there is told, and is no success.
#pragma once

#include <functional>

namespace fluxmetrics::commands {

// Puts something in the place of a standard stream that was closed: else the next file or socket that is
// opened would become it, and get what is printed.
void hold_standard_streams();

// Writes out what was printed so far. Throws std::system_error when that fails, as fmt::print does.
void flush_output();

// The exit code of `command`; a failure, told in one sentence, when what it printed could not be written or
// when it threw.
int run_telling_lost_output(const std::function<int()>& command);

}  // namespace fluxmetrics::commands
