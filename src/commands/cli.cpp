#include "commands/cli.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "commands/command_line.hpp"
#include "commands/demo.hpp"
#include "commands/explain.hpp"
#include "commands/exporter.hpp"
#include "commands/get.hpp"
#include "commands/output.hpp"
#include "commands/plan.hpp"
#include "commands/plot.hpp"
#include "commands/simulate.hpp"
#include "commands/simulate_ctl.hpp"
#include "commands/start.hpp"
#include "user/expression_child.hpp"
#include "user/expressions.hpp"

namespace fluxmetrics::commands {
namespace {

struct GlobalOptions {
  bool debug = false;
  bool quiet = false;
  bool version = false;
};

int print_version() {
  fmt::print("{}\n", program_version);
  return exit_fine;
}

// For this program alone: what it starts beside itself.
void add_children(Command& program) {
  auto child = program.add_command(user::ExpressionSource::subcommand, "");
  child.hide();
  child.runs([] { return user::run_expression_child(); });
}

void add_version(Command& program) {
  auto version = program.add_command("version", "Print the version");
  version.footer("Example:\n  flux-metrics-api version");
  version.runs(print_version);
}

}  // namespace

int run_cli(int argc, const char* const* argv) {
  GlobalOptions global;
  const auto chosen = parse_command_line(argc, argv, [&global](Command& program) {
    program.flag("--debug", global.debug, "Log everything");
    program.flag("--quiet", global.quiet, "Log errors only");
    program.flag("--version", global.version, "Print the version");
    program.footer("Try: flux-metrics-api demo\nEvery command has its own --help with an example.");
    add_start(program);
    add_exporter(program);
    add_get(program);
    add_demo(program);
    add_explain(program);
    add_plan(program);
    add_plot(program);
    add_simulate(program);
    add_simulate_ctl(program);
    add_children(program);
    add_version(program);
  });
  if (!chosen) return chosen.error();
  if (global.version) return print_version();
  if (global.debug) log::set_level(log::Level::debug);
  if (global.quiet && !global.debug) log::set_level(log::Level::error);
  return (*chosen)();
}

}  // namespace fluxmetrics::commands
