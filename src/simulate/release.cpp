#include "simulate/release.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace fluxmetrics::simulate {
namespace {

constexpr std::uint32_t oldest = 36;

// Topics that came later than the oldest version.
constexpr auto topics_since = std::to_array<std::pair<std::string_view, std::uint32_t>>({
    {"job-manager.queue-list", 46},
    {"job-manager.queue-status", 46},
    {"job-manager.queue-enable", 46},
    {"job-manager.queue-start", 46},
    {"job-manager.alloc-query", 46},
    {"resource.sched-status", 61},
    {"job-manager.resource-status", 61},
    {"feasibility.check", 66},
    {"module.list", 66},
    {"resource.journal", 72},
    {"resource.journal-cancel", 72},
});

}  // namespace

Result<Release> Release::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::invalid, "version '{}' {}: name one from 0.{} to 0.{}, such as 0.53", text, why, oldest,
                newest);
  };
  if (!text.starts_with("0.")) return refuse("is not one of Flux");
  std::uint32_t minor = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + 2, last, minor);
  const std::string_view rest(end, static_cast<std::size_t>(last - end));
  if (error != std::errc{} || (!rest.empty() && rest != ".0")) return refuse("is not understood");
  if (minor < oldest || minor > newest) return refuse("is not imitated");
  return Release(minor);
}

bool Release::has(std::string_view topic) const {
  const auto* const found =
      std::ranges::find(topics_since, topic, &std::pair<std::string_view, std::uint32_t>::first);
  return found == topics_since.end() || !before(found->second);
}

std::string Release::text() const {
  return fmt::format("0.{}.0", minor_);
}

}  // namespace fluxmetrics::simulate
