// How `start` and `exporter` run, whose options are a server's configuration.
#pragma once

#include "server/config.hpp"

namespace fluxmetrics::commands {

// Serves until a signal comes. The exit code: misuse where the configuration is wrong, failure where the
// system refuses the port.
int serve(const server::Config& config);

}  // namespace fluxmetrics::commands
