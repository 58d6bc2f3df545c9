// The Python program in which functions of a user's .py file run. Its line says, in JSON:
//   first, unasked: {"functions":[{"name","line","help"},...]}, or {"error":"why","bindings":true when it is
//                   Flux's Python bindings that are missing}
//   NAME         -> {"value":number or null} or {"error":"why"}
#pragma once

#include <string>

namespace fluxmetrics::user {

// For python3 -c; its one argument is the file.
[[nodiscard]] std::string python_bridge();

}  // namespace fluxmetrics::user
