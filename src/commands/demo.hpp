// `demo`: a simulated MiniCluster that follows its queue.
#pragma once

#include <string>

#include "commands/command_line.hpp"

namespace fluxmetrics::commands {

struct DemoOptions {
  std::string inject;  // "", "server-refused" or "job-killed": faults that must make the demo fail
  bool plain = false;  // plain lines even on a terminal
};

void add_demo(Command& program);
int run_demo(const DemoOptions& options);

}  // namespace fluxmetrics::commands
