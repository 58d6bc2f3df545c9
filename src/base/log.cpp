#include "base/log.hpp"

#include <memory>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/text.hpp"

namespace fluxmetrics::log {
namespace {

constexpr std::size_t longest_line = 1500;

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("flux-metrics-api",
                                                 std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *instance;
}

// What set_output() was given.
struct Output {
  std::function<void(Level, std::string_view)> write;
  Level level = Level::info;
};
Output& output() {
  static Output instance;
  return instance;
}

}  // namespace

void set_output(std::function<void(Level, std::string_view)> write) {
  output().write = std::move(write);
}
void set_level(Level level) {
  if (output().write) {
    output().level = level;
  } else {
    logger().set_level(to_spdlog(level));
  }
}
bool enabled(Level level) {
  if (output().write) return level >= output().level;
  return logger().should_log(to_spdlog(level));
}
void write(Level level, std::string_view text) {
  if (output().write) return output().write(level, printable(text, longest_line));
  // Lines hold text that clients and brokers chose: it must not forge another line, nor steer a terminal.
  if (is_plain(text, longest_line)) {
    logger().log(to_spdlog(level), "{}", text);
  } else {
    logger().log(to_spdlog(level), "{}", printable(text, longest_line));
  }
}

}  // namespace fluxmetrics::log
