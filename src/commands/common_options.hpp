// Options that several commands have.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands/command_line.hpp"
#include "hpa/kubernetes_version.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::commands {

// Which Kubernetes plays an HPA. `otherwise`: what --help says holds when it is left out.
void add_kubernetes_version(Command& command, std::optional<hpa::KubernetesVersion>& target,
                            const std::string& otherwise);
void add_flux_uri(Command& command, std::optional<std::string>& target);
void add_custom_metrics(Command& command, std::vector<std::string>& files);
void add_policy(Command& command, sizing::SizePolicy& policy);
Option add_theme(Command& command, std::string& theme);  // of plots

}  // namespace fluxmetrics::commands
