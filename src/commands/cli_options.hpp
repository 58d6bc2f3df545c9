// Kinds of options that several commands have, each with its check and its words in --help.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "hpa/kubernetes_version.hpp"
#include "sizing/demand.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fluxmetrics::commands {

// For durations that must be above 0.
inline constexpr Seconds shortest{std::numeric_limits<double>::min()};

// A duration: "60s", "1.5m", "250ms". --help ends with what it is now.
CLI::Option* add_duration(CLI::App* app, const std::string& name, Seconds& target, const std::string& help,
                          Seconds least = {});

// The same where --help says in its own words what holds without the option.
CLI::Option* add_any_duration(CLI::App* app, const std::string& name, Seconds& target,
                              const std::string& help, Seconds least = {});
CLI::Option* add_any_duration(CLI::App* app, const std::string& name, std::optional<Seconds>& target,
                              const std::string& help, Seconds least = {});

// A whole number from `lowest` to `highest`, or to what `target` can hold. Target: std::uint16_t,
// std::uint32_t, std::uint64_t, or an optional std::int32_t or std::uint32_t.
template <class Target>
CLI::Option* add_whole(CLI::App* app, const std::string& name, Target& target, const std::string& help,
                       std::uint64_t lowest = 0, std::optional<std::uint64_t> highest = {});

// Which Kubernetes an HPA is played on. `otherwise`: what --help says of it when it is left out.
void add_kubernetes_version(CLI::App* app, std::optional<hpa::KubernetesVersion>& target,
                            const std::string& otherwise);
void add_flux_uri(CLI::App* app, std::optional<std::string>& target);
void add_custom_metrics(CLI::App* app, std::vector<std::string>& files);
void add_policy(CLI::App* app, sizing::SizePolicy& policy);

}  // namespace fluxmetrics::commands
