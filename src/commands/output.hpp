// How every command ends: with its failure told, and what it could not write to standard output is one.
#pragma once

#include <functional>

#include "base/result.hpp"

namespace fluxmetrics::commands {

// Exit codes of every command.
inline constexpr int exit_fine = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_misused = 2;

// Tells the log why a command ends; returns `code`.
int ends_with(int code, const Error& why);

// Puts something in the place of a standard stream that was closed: else the next file or socket that is
// opened would become it, and get what is printed.
void hold_standard_streams();

// Writes out what was printed so far. Throws std::system_error when that fails, as fmt::print does.
void flush_output();

// The exit code of `command`; a failure, told in one sentence, when what it printed could not be written or
// when it threw.
int run_telling_lost_output(const std::function<int()>& command);

}  // namespace fluxmetrics::commands
