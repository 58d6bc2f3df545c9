// `plan --vectors`: recorded decisions of a real HPA controller, compared with this program's.
#pragma once

#include <optional>
#include <string>

#include "hpa/kubernetes_version.hpp"

namespace fluxmetrics::commands {

// `vectors` may be "-" for standard input; `output` is table or json.
int run_plan_vectors(const std::string& vectors, std::optional<hpa::KubernetesVersion> version,
                     const std::string& output);

}  // namespace fluxmetrics::commands
