// A file that the user names, as text.
#pragma once

#include <string>

#include "base/result.hpp"

namespace fluxmetrics::user {

// Errors: Code::invalid, a sentence that names the file: it cannot be read, or is too large to be meant.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path);

}  // namespace fluxmetrics::user
