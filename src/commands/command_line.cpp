#include "commands/command_line.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "commands/output.hpp"

namespace fluxmetrics::commands {
namespace {

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
    return fmt::format("{}: unexpected argument '{}'", command->get_name(), printable(word));
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

std::string duration_fault(Seconds value, Seconds least, std::optional<Seconds> most,
                           const std::string& text) {
  if (value < least) {
    return least == shortest ? fmt::format("must be above 0, not {}", text)
                             : fmt::format("must be at least {:g}s, not {}", least.count(), text);
  }
  if (most && value > *most) return fmt::format("must be at most {:g}s, not {}", most->count(), text);
  return "";
}

// `target` is a Seconds, or an optional one.
ArgumentCheck duration_into(auto& target, Seconds least, std::optional<Seconds> most) {
  return [&target, least, most](const std::string& text) -> std::string {
    const auto parsed = parse_duration(text);
    if (!parsed) return parsed.error().message;
    auto fault = duration_fault(*parsed, least, most, text);
    if (fault.empty()) target = *parsed;
    return fault;
  };
}

template <class T>
struct NumberOf {
  using type = T;
};
template <class T>
struct NumberOf<std::optional<T>> {
  using type = T;
};

}  // namespace

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::shows_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::type(const std::string& placeholder) {
  option_->type_name(placeholder);
  return *this;
}

Option& Option::check(ArgumentCheck check, const std::string& placeholder) {
  option_->check(std::move(check), placeholder);
  return *this;
}

Option& Option::one_of(std::initializer_list<const char*> values) {
  option_->check(CLI::IsMember(std::vector<std::string>(values.begin(), values.end())));
  return *this;
}

Option& Option::each_apart() {
  option_->take_all()->allow_extra_args(false);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

bool Option::given() const {
  return option_->count() > 0;
}

Command Command::add_command(const std::string& name, const std::string& help) {
  return {app_->add_subcommand(name, help), chosen_};
}

void Command::footer(const std::string& text) {
  app_->footer(text);
}

void Command::hide() {
  app_->group("");
}

void Command::requires_command() {
  app_->require_subcommand(1);
}

void Command::passes_options_up() {
  app_->fallthrough();
}

template <class T>
Option Command::option(const std::string& name, T& target, const std::string& help) {
  return Option(app_->add_option(name, target, help));
}
template Option Command::option(const std::string&, std::string&, const std::string&);
template Option Command::option(const std::string&, std::optional<std::string>&, const std::string&);
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&);

Option Command::number(const std::string& name, double& target, const std::string& help) {
  return Option(app_->add_option(name, target, help));
}

Option Command::flag(const std::string& name, bool& target, const std::string& help) {
  return Option(app_->add_flag(name, target, help));
}

template <class T>
Option Command::whole(const std::string& name, T& target, const std::string& help, std::uint64_t lowest,
                      std::optional<std::uint64_t> highest) {
  std::string range;
  if (highest)
    range = fmt::format("{} to {}", lowest, *highest);
  else if (lowest == 1)
    range = "POSITIVE";
  constexpr auto most = std::numeric_limits<typename NumberOf<T>::type>::max();
  return Option(app_->add_option(name, target, help)
                    ->check(whole_number(lowest, highest.value_or(most), !highest), range));
}

using Text = const std::string&;
using Least = std::uint64_t;
using Most = std::optional<std::uint64_t>;
template Option Command::whole(Text, std::uint16_t&, Text, Least, Most);
template Option Command::whole(Text, std::uint32_t&, Text, Least, Most);
template Option Command::whole(Text, std::uint64_t&, Text, Least, Most);
template Option Command::whole(Text, std::optional<std::uint32_t>&, Text, Least, Most);
template Option Command::whole(Text, std::optional<std::int32_t>&, Text, Least, Most);

Option Command::value(const std::string& name, ArgumentCheck read, const std::string& help,
                      const std::string& placeholder) {
  auto* option = app_->add_option_function<std::string>(
      name,
      [name, read = std::move(read)](const std::string& text) {
        if (const auto fault = read(text); !fault.empty()) throw CLI::ValidationError(name, fault);
      },
      help);
  return Option(option->type_name(placeholder));
}

Option Command::duration(const std::string& name, Seconds& target, const std::string& help, Seconds least) {
  return bare_duration(name, target, help + fmt::format(" [{:g}s]", target.count()), least);
}

Option Command::bare_duration(const std::string& name, Seconds& target, const std::string& help,
                              Seconds least, std::optional<Seconds> most) {
  return value(name, duration_into(target, least, most), help, "DURATION");
}

Option Command::bare_duration(const std::string& name, std::optional<Seconds>& target,
                              const std::string& help, Seconds least) {
  return value(name, duration_into(target, least, {}), help, "DURATION");
}

void Command::runs(Run run, std::function<std::string()> check) {
  app_->callback([app = app_, chosen = chosen_, run = std::move(run), check = std::move(check)] {
    if (!app->get_subcommands().empty()) return;  // that one runs
    if (const auto fault = check ? check() : std::string(); !fault.empty()) throw CLI::ValidationError(fault);
    *chosen = run;
  });
}

std::expected<Command::Run, int> parse_command_line(int argc, const char* const* argv,
                                                    const std::function<void(Command&)>& declare) {
  CLI::App app{"Kubernetes custom metrics from a Flux Framework instance", "flux-metrics-api"};
  app.failure_message(misuse_text);
  app.require_subcommand(0, 1);
  Command::Run chosen;
  Command program(&app, &chosen);
  declare(program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return std::unexpected(code == 0 ? exit_fine : exit_misused);
  }
  if (chosen) return chosen;
  return [help = app.help()] {
    fmt::print("{}", help);
    return exit_fine;
  };
}

}  // namespace fluxmetrics::commands
