// `exporter`: the metrics for Prometheus alone, over plain HTTP.
#pragma once

#include "commands/command_line.hpp"

namespace fluxmetrics::commands {

void add_exporter(Command& program);

}  // namespace fluxmetrics::commands
