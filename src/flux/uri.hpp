// FLUX_URI: which socket to talk to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fluxmetrics::flux {

// "local:///run/flux/local" -> "/run/flux/local" (percent escapes decoded).
// Errors: Code::unsupported for ssh://, fd://, ... with what to do instead; Code::invalid for an empty,
// relative or too long path (107 bytes is what a unix socket allows).
[[nodiscard]] Result<std::string> local_socket_path(std::string_view uri);

// Where a broker listens when nobody says: a system instance, and a MiniCluster pod.
[[nodiscard]] const std::vector<std::string>& default_socket_paths();

}  // namespace fluxmetrics::flux
