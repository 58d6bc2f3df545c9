// `exporter`: the metrics for Prometheus alone, over plain HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "commands/command_line.hpp"
#include "sizing/demand.hpp"

namespace fluxmetrics::commands {

struct ExporterOptions {
  std::string host = "0.0.0.0";
  std::uint16_t port = 8080;
  bool verbose = false;
  std::vector<std::string> custom_metrics;  // files
  std::optional<std::string> flux_uri;
  Seconds max_staleness{30};
  sizing::SizePolicy policy;
};

void add_exporter(Command& program);
int run_exporter(const ExporterOptions& options);

}  // namespace fluxmetrics::commands
