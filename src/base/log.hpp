// The logging front: the rest of the program logs sentences through here and never sees spdlog.
#pragma once

#include <fmt/format.h>
#include <functional>
#include <string_view>
#include <utility>

namespace fluxmetrics::log {

enum class Level { debug, info, warning, error, off };

// Where lines go instead of stderr, from any thread; an empty function is stderr again. For a program that is
// the guest of another one, and may not write there. Not to be called while other threads log.
void set_output(std::function<void(Level, std::string_view)> output);

// Messages below `level` are dropped. Default info. Thread-safe, as all functions here.
void set_level(Level level);
[[nodiscard]] bool enabled(Level level);
// Writes one line to stderr: UTC time, level, text.
void write(Level level, std::string_view text);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warning)) write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace fluxmetrics::log
