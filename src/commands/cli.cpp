#include "commands/cli.hpp"

#include <fmt/format.h>
#include <string>

#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "commands/arguments.hpp"
#include "commands/cli_commands.hpp"
#include "user/expression_child.hpp"
#include "user/expressions.hpp"

namespace fluxmetrics::commands {
namespace {

// For this program alone: what it starts beside itself.
void add_children(CLI::App& app, Commands& c) {
  auto* sub = app.add_subcommand(user::ExpressionSource::subcommand, "")->group("");
  sub->callback([&c] { c.run = [] { return user::run_expression_child(); }; });
}

// The command that the arguments name, as far as they were understood.
const CLI::App* command_meant(const CLI::App* app) {
  while (!app->get_subcommands().empty())
    app = app->get_subcommands().back();
  return app;
}

// What was missing, for somebody who does not know the parser's terms.
std::string missing_text(const CLI::App* command, std::string remark) {
  constexpr std::string_view required = " is required";
  if (remark.ends_with(required)) remark.resize(remark.size() - required.size());
  if (const auto* option = command->get_option_no_throw(remark); option != nullptr)
    return fmt::format("{} needs {}: {}", command->get_name(), remark, option->get_description());
  std::string names;
  for (const auto* sub : command->get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }))
    names += fmt::format("{}{}", names.empty() ? "" : ", ", sub->get_name());
  return fmt::format("{} needs a subcommand, one of: {}", command->get_name(), names);
}

std::string misuse_text(const CLI::App* app, const CLI::Error& error) {
  const auto name = error.get_name();
  std::string text = error.what();
  if (name == "RequiredError") text = missing_text(command_meant(app), text);
  if (name == "ExcludesError" || name == "ArgumentMismatch") text = in_words(text);
  return text + "\nRun with --help for more information.\n";
}

}  // namespace

int run_cli(int argc, const char* const* argv) {
  CLI::App app{"Kubernetes custom metrics from a Flux Framework instance", "flux-metrics-api"};
  Commands commands;
  bool debug = false;
  bool quiet = false;
  bool version = false;
  app.add_flag("--debug", debug, "Log everything");
  app.add_flag("--quiet", quiet, "Log errors only");
  app.add_flag("--version", version, "Print the version");
  app.failure_message(misuse_text);
  app.footer("Try: flux-metrics-api demo\nEvery command has its own --help with an example.");
  app.require_subcommand(0, 1);
  add_start(app, commands);
  add_exporter(app, commands);
  add_get(app, commands);
  add_demo(app, commands);
  add_explain(app, commands);
  add_plan(app, commands);
  add_plot(app, commands);
  add_simulate(app, commands);
  add_simulate_ctl(app, commands);
  add_children(app, commands);
  auto* version_command = app.add_subcommand("version", "Print the version");
  version_command->footer("Example:\n  flux-metrics-api version");
  version_command->callback([&] { version = true; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? exit_fine : exit_misused;
  }
  if (version) {
    fmt::print("{}\n", program_version);
    return exit_fine;
  }
  if (!commands.run) {
    fmt::print("{}", app.help());
    return exit_fine;
  }
  if (debug) log::set_level(log::Level::debug);
  if (quiet && !debug) log::set_level(log::Level::error);
  return commands.run();
}

}  // namespace fluxmetrics::commands
