// `get`: an instance's metrics, or its state, on the terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "commands/command_line.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::commands {

struct GetOptions {
  std::vector<std::string> metrics;         // empty = all
  std::vector<std::string> custom_metrics;  // files
  std::optional<std::string> flux_uri;
  std::string output = "table";  // table, json, yaml or markdown
  bool catalogue = false;        // what metrics there are, instead of their values
  bool watch = false;
  bool state = false;  // the instance's state instead of its metrics
  std::string record;  // append a line a snapshot to this file
  Seconds timeout{10};
  sizing::SizePolicy policy;
};

void add_get(Command& program);
int run_get(const GetOptions& options);

}  // namespace fluxmetrics::commands
