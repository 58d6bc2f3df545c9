// `start`: the custom metrics API beside the leader broker.
#pragma once

#include "commands/command_line.hpp"

namespace fluxmetrics::commands {

void add_start(Command& program);

}  // namespace fluxmetrics::commands
