// Charts as files.
#pragma once

#include <string>

#include "base/result.hpp"

namespace fluxmetrics::charts {

// A name from a file as one for a file: not a way out of its directory.
[[nodiscard]] std::string file_name(std::string name);

// One file of a plot. Errors: Code::io naming it.
[[nodiscard]] Result<std::string> write_plot(const std::string& directory, const std::string& name,
                                             const std::string& svg);

}  // namespace fluxmetrics::charts
