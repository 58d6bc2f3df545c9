// The command line: commands and their options, as each command declares them. command_line.cpp alone knows
// the library that parses (CLI11, whose headers cost more to compile than all of this room).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "commands/arguments.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fluxmetrics::commands {

// For durations that must be above 0.
inline constexpr Seconds shortest{std::numeric_limits<double>::min()};

// One option, flag or positional argument. Every member returns the option itself, for the next one.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option& required();
  Option& shows_default();                       // --help ends with the target's present value
  Option& type(const std::string& placeholder);  // what --help shows for the value: FILE
  Option& check(ArgumentCheck check, const std::string& placeholder = "");
  Option& one_of(std::initializer_list<const char*> values);
  Option& each_apart();  // of a list: the option is repeated, one value each time
  Option& needs(const Option& other);
  Option& excludes(const Option& other);
  [[nodiscard]] bool given() const;  // once the command line is parsed

 private:
  CLI::Option* option_;
};

// The program, or a command of it. Targets and their command's options live as long as the parser does: see
// runs().
class Command {
 public:
  // What the command does once it is parsed; the result is the program's exit code.
  using Run = std::function<int()>;

  Command(CLI::App* app, Run* chosen) : app_(app), chosen_(chosen) {}

  [[nodiscard]] Command add_command(const std::string& name, const std::string& help);
  void footer(const std::string& text);  // examples
  void hide();                           // not listed in --help
  void requires_command();               // one of its own commands must be named
  void passes_options_up();              // options that it does not know may be its parent's

  // T: std::string, an optional one, or a vector of them.
  template <class T>
  Option option(const std::string& name, T& target, const std::string& help);
  Option number(const std::string& name, double& target, const std::string& help);
  Option flag(const std::string& name, bool& target, const std::string& help);
  // A whole number from `lowest` to `highest`, or to what T can hold. T: std::uint16_t, std::uint32_t,
  // std::uint64_t, or an optional std::int32_t or std::uint32_t.
  template <class T>
  Option whole(const std::string& name, T& target, const std::string& help, std::uint64_t lowest = 0,
               std::optional<std::uint64_t> highest = {});
  // A duration: "60s", "1.5m", "250ms". --help ends with the target's present value.
  Option duration(const std::string& name, Seconds& target, const std::string& help, Seconds least = {});
  // The same where the help text says itself what holds without the option.
  Option bare_duration(const std::string& name, Seconds& target, const std::string& help, Seconds least = {},
                       std::optional<Seconds> most = {});
  Option bare_duration(const std::string& name, std::optional<Seconds>& target, const std::string& help,
                       Seconds least = {});
  // Any other kind of value. `read` returns "" or what is wrong with the text.
  Option value(const std::string& name, ArgumentCheck read, const std::string& help,
               const std::string& placeholder);

  // `run` holds what the options were read into. `check` returns "" or what does not go together.
  void runs(Run run, std::function<std::string()> check = {});

 private:
  CLI::App* app_;
  Run* chosen_;
};

// Declares the commands with `declare` and parses. Returns what to run: the command that was named, else one
// that prints the help. Without anything to run (help was asked for and printed, or the arguments are wrong
// and that was said) the exit code is the error.
[[nodiscard]] std::expected<Command::Run, int> parse_command_line(
    int argc, const char* const* argv, const std::function<void(Command&)>& declare);

}  // namespace fluxmetrics::commands
