// `plot`: draws what other commands have measured.
#pragma once

#include <string>

#include "commands/command_line.hpp"

namespace fluxmetrics::commands {

struct PlotOptions {
  std::string file;       // of plan -o json, get --record or the node-scaling experiment
  std::string out = ".";  // directory
  std::string theme = "auto";
  bool no_outliers = false;
};

void add_plot(Command& program);
int run_plot(const PlotOptions& options);

}  // namespace fluxmetrics::commands
