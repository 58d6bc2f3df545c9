#include "commands/cli.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
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

std::vector<std::string> names_below(const CLI::App* command) {
  std::vector<std::string> names;
  for (const auto* sub : command->get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }))
    names.push_back(sub->get_name());
  return names;
}

// What nobody knows: an option, a command, or one word too many.
std::string unknown_text(const CLI::App* command, std::string word) {
  const bool option = word.starts_with('-');
  if (option) word.resize(std::min(word.size(), word.find('=')));
  auto names = names_below(command);
  if (!option && names.empty())
    return fmt::format("{} has no place for '{}'", command->get_name(), printable(word));
  const auto all = fmt::format("{}", fmt::join(names, ", "));
  if (option) {
    names.clear();
    for (const auto* known : command->get_options()) {
      for (const auto& name : known->get_lnames())
        names.push_back("--" + name);
    }
  }
  const auto meant = nearest(word, names);
  if (!meant.empty())
    return fmt::format("{} has no {}; did you mean {}?", command->get_name(), printable(word), meant);
  return fmt::format("{} has no {}{}", command->get_name(), printable(word), option ? "" : ", but: " + all);
}

// What was missing, for somebody who does not know the parser's terms.
std::string missing_text(const CLI::App* command, std::string remark) {
  constexpr std::string_view required = " is required";
  if (remark.ends_with(required)) remark.resize(remark.size() - required.size());
  if (const auto* option = command->get_option_no_throw(remark); option != nullptr)
    return fmt::format("{} needs {}: {}", command->get_name(), remark, option->get_description());
  return fmt::format("{} needs a subcommand, one of: {}", command->get_name(),
                     fmt::join(names_below(command), ", "));
}

std::string misuse_text(const CLI::App* app, const CLI::Error& error) {
  const auto* command = command_meant(app);
  const auto unknown = app->remaining(true);
  const bool required = error.get_name() == "RequiredError";
  std::string text = required ? missing_text(command, error.what()) : in_words(error.what());
  if (!unknown.empty() &&
      (required || error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError))) {
    // The words behind an option that nobody knows are there too.
    const auto option =
        std::ranges::find_if(unknown, [](const std::string& word) { return word.starts_with('-'); });
    text = unknown_text(command, option == unknown.end() ? unknown.front() : *option);
  }
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
