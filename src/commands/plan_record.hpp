// `plan record`: a running instance's jobs as a trace for `plan --trace`. It queries once a second which jobs
// have ended since, so a guest can use it too, and it costs the broker next to nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "commands/command_line.hpp"

namespace fluxmetrics::commands {

struct RecordOptions {
  std::string out = "-";                // a new file; "-" = standard output
  std::optional<std::string> flux_uri;  // the instance
  std::optional<Seconds> duration;      // none: until a signal comes
  std::uint64_t jobs = 0;               // end after so many have ended; 0 = any number
  Seconds interval{1};                  // between two looks
};

void add_plan_record(Command& plan);
int run_plan_record(const RecordOptions& options);

}  // namespace fluxmetrics::commands
