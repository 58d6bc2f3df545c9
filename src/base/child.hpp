// A child process that answers lines with lines, and that cannot harm its parent: whatever it does, a
// question ends in time, with an answer or with the child gone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fluxmetrics {

struct ChildOptions {
  std::vector<std::string> arguments;                   // the first is the path of the program
  std::vector<std::string> environment;                 // all of it: NAME=VALUE
  std::size_t longest_line = 1U << 20U;                 // of an answer
  std::function<void(std::string_view)> on_noise = {};  // gets each line of its standard output and error
  int stop = -1;  // readable = whoever waits for this child shall give up
};

// The program that `name` means: a path, or a name to look for in the directories of PATH. nullopt: none.
[[nodiscard]] std::optional<std::string> find_program(std::string_view name);

// Descriptor `channel` is the child's end of the line; its input is empty. It leads a session of its own,
// ends when the thread that started it ends, and is killed with its descendants' process group by the
// destructor.
class Child {
 public:
  static constexpr int channel = 3;

  // Errors: Code::io when the system gives no process.
  static Result<Child> start(ChildOptions options);
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  ~Child();

  // Sends `line` and waits for one. Errors, all with the child gone: Code::timed_out; Code::unavailable, it
  // ended, the sentence says how; Code::protocol, its line was too long; Code::internal, `stop`.
  [[nodiscard]] Result<std::string> ask(std::string_view line, Seconds limit);
  // A line that nobody asked for, such as the first. Errors as ask().
  [[nodiscard]] Result<std::string> listen(Seconds limit);
  // Another `stop` from now on.
  void stop_at(int descriptor);
  [[nodiscard]] bool alive() const;
  [[nodiscard]] int pid() const;  // 0 when it is gone

 private:
  struct Process;
  explicit Child(std::unique_ptr<Process> process);
  std::unique_ptr<Process> process_;
};

}  // namespace fluxmetrics
