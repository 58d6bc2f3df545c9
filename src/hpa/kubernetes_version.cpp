#include "hpa/kubernetes_version.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace fluxmetrics::hpa {
namespace {

// Since which minor release a gate is there, is on by default, and cannot be turned off.
struct GateHistory {
  std::string_view name;
  bool HpaGates::* gate;
  std::int32_t there;
  std::int32_t on;
  std::optional<std::int32_t> locked = {};
};

constexpr std::array gates{
    GateHistory{
        .name = "HPAConfigurableTolerance",
        .gate = &HpaGates::configurable_tolerance,
        .there = 33,
        .on = 35,
        .locked = 37,
    },
    GateHistory{.name = "HPAScaleToZero", .gate = &HpaGates::scale_to_zero, .there = 16, .on = 37},
    GateHistory{.name = "HPAGeneration", .gate = &HpaGates::generation, .there = 37, .on = 37},
    GateHistory{.name = "PodLevelResources", .gate = &HpaGates::pod_level_resources, .there = 32, .on = 34},
};

// The digits that `text` begins with, which it then loses.
std::optional<std::int32_t> take_number(std::string_view& text) {
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// 1.MINOR of "v1.MINOR", with a patch and what distributions append to it.
std::optional<std::int32_t> minor_of(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  if (take_number(text) != 1 || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  const auto minor = take_number(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_number(text)) return std::nullopt;
  }
  if (!text.empty() && !text.starts_with('+') && !text.starts_with('-')) return std::nullopt;
  return minor;
}

std::unexpected<Error> no_version(std::string_view text) {
  return fail(Code::invalid, "'{}' is not a Kubernetes version: write it as 1.37", printable(text, 60));
}

}  // namespace

std::string to_string(KubernetesVersion version) {
  return fmt::format("1.{}", version.minor);
}

Result<KubernetesVersion> parse_kubernetes_version(std::string_view text) {
  const auto nearest = nearest_kubernetes_version(text);
  if (!nearest) return std::unexpected(nearest.error());
  if (nearest->exact) return nearest->version;
  return fail(Code::unsupported, "Kubernetes {} is not known: there are {} to {}", printable(text, 60),
              to_string(oldest_kubernetes), to_string(newest_kubernetes));
}

Result<NearestKubernetes> nearest_kubernetes_version(std::string_view text) {
  const auto minor = minor_of(text);
  if (!minor) return no_version(text);
  const auto known = std::clamp(*minor, oldest_kubernetes.minor, newest_kubernetes.minor);
  return NearestKubernetes{.version = {known}, .exact = known == *minor};
}

HpaGates default_gates(KubernetesVersion version) {
  HpaGates made;
  for (const auto& history : gates)
    made.*history.gate = version.minor >= history.on;
  return made;
}

void set_gate(HpaGates& made, KubernetesVersion version, std::string_view name, bool on) {
  const auto* found = std::ranges::find(gates, name, &GateHistory::name);
  if (found == gates.end()) return;
  const bool locked = found->locked && version.minor >= *found->locked;
  made.*found->gate = version.minor >= found->there && (on || locked);
}

}  // namespace fluxmetrics::hpa
