// The child process in which jq works: it reads expressions and states, and answers with results. jq can be
// neither interrupted nor kept from memory and environment by itself, so it has a process where the system
// does that.
#pragma once

#include <chrono>

namespace fluxmetrics::user {

// Of the processor, for one evaluation: then the system ends the process.
inline constexpr std::chrono::milliseconds evaluation_time{200};
// Of memory, all together.
inline constexpr unsigned long long expression_memory = 1024ULL * 1024 * 1024;
// What the child ends with when it would need more.
inline constexpr int exit_out_of_memory = 3;

// What the child's line says, a letter and JSON:
//   C expression  -> {} or {"error":"why"}: one more, the first has index 0
//   D {state}     -> {} or {"error":"why"}
//   E index       -> {"results":[value,...]} or {"error":"why"}
// The expression is a JSON string.
// Ends with exit code 0 when the parent hangs up.
int run_expression_child();

}  // namespace fluxmetrics::user
