// The subcommands of the command line. Each function adds one (or two that belong together) to the parser;
// when the arguments name it, `run` of the Commands does it.
#pragma once

#include <functional>

#include "commands/options.hpp"

namespace CLI {
class App;
}

namespace fluxmetrics::commands {

struct Commands {
  StartOptions start;
  ExporterOptions exporter;
  GetOptions get;
  SimulateOptions simulate;
  SimulateCtlOptions ctl;
  DemoOptions demo;
  ExplainOptions explain;
  PlanOptions plan;
  RecordOptions record;
  PlotOptions plot;
  std::function<int()> run;
};
void add_start(CLI::App& app, Commands& c);
void add_exporter(CLI::App& app, Commands& c);
void add_get(CLI::App& app, Commands& c);
void add_simulate(CLI::App& app, Commands& c);
void add_simulate_ctl(CLI::App& app, Commands& c);
void add_demo(CLI::App& app, Commands& c);
void add_explain(CLI::App& app, Commands& c);
void add_plan(CLI::App& app, Commands& c);
void add_plot(CLI::App& app, Commands& c);

}  // namespace fluxmetrics::commands
