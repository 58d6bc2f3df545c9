#include "base/child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace fluxmetrics {
namespace {

constexpr std::size_t longest_noise = 500;  // of a line that is told
constexpr int exit_not_run = 127;           // as a shell

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_ = -1;
};

// Out of the way of the numbers that a child gets.
Descriptor moved_up(int number) {
  constexpr int above = 10;
  const Descriptor old(number);
  return Descriptor(::fcntl(number, F_DUPFD_CLOEXEC, above));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (auto& text : texts)
    list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

struct Ends {
  int channel;
  int noise;
  int nothing;
};

// Between fork and exec: nothing here may take a lock or memory.
[[noreturn]] void become(const Ends& ends, char* const* arguments, char* const* environment, pid_t parent) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(exit_not_run);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD})
    ::signal(number, SIG_DFL);
  ::dup2(ends.nothing, STDIN_FILENO);
  ::dup2(ends.noise, STDOUT_FILENO);
  ::dup2(ends.noise, STDERR_FILENO);
  ::dup2(ends.channel, Child::channel);
  ::close_range(Child::channel + 1, ~0U, 0);
  ::execve(arguments[0], arguments, environment);
  ::_exit(exit_not_run);
}

std::string how_it_ended(int status) {
  if (WIFEXITED(status)) return fmt::format("its process ended with exit code {}", WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  return fmt::format("its process was ended by signal {} ({})", number, ::sigdescr_np(number));
}

// Cuts what comes into lines.
class Lines {
 public:
  void add(std::string_view bytes) {
    text_.erase(0, begin_);
    searched_ -= begin_;
    begin_ = 0;
    text_ += bytes;
  }
  std::optional<std::string> next() {
    const auto end = text_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = text_.size();
      return std::nullopt;
    }
    std::string line = text_.substr(begin_, end - begin_);
    begin_ = searched_ = end + 1;
    return line;
  }
  [[nodiscard]] std::size_t size() const { return text_.size() - begin_; }
  std::string rest() {
    auto rest = text_.substr(begin_);
    text_.clear();
    begin_ = searched_ = 0;
    return rest;
  }

 private:
  std::string text_;
  std::size_t begin_ = 0;     // of what is left of it
  std::size_t searched_ = 0;  // no line ends between
};

int milliseconds_to(MonoTime end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - MonoTime::clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

}  // namespace

struct Child::Process {
  ChildOptions options;
  pid_t pid = 0;
  Descriptor channel;
  Descriptor noise;
  Lines answers;
  Lines noises;
  bool silent = false;  // it has closed its output

  // Kills it and whom it left behind, and returns what waitpid() told.
  int end() {
    int status = 0;
    if (pid <= 0) return status;
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    pid = 0;
    read_noise();
    if (auto last = noises.rest(); !last.empty()) tell(last);
    return status;
  }

  // It hung up: it ends by itself, or is made to.
  std::unexpected<Error> ended() {
    constexpr int patience = 50;  // times 10 ms
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 10'000'000};
    for (int i = 0; i < patience; ++i) {
      if (is_dead()) return fail(Code::unavailable, "{}", how_it_ended(end()));
      ::nanosleep(&moment, nullptr);
    }
    end();
    return fail(Code::unavailable, "its process hung up");
  }
  // Looks without reaping: until end() does that, its number is nobody else's.
  [[nodiscard]] bool is_dead() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
  }

  void tell(std::string_view line) const {
    if (options.on_noise) options.on_noise(line.substr(0, longest_noise));
  }

  void read_noise() {
    std::array<char, 16384> bytes{};
    // Bounded: one who prints for ever is not listened to for ever.
    for (int i = 0; i < 16; ++i) {
      const auto got = ::read(noise.number(), bytes.data(), bytes.size());
      if (got == 0) silent = true;
      if (got <= 0) return;
      noises.add({bytes.data(), static_cast<std::size_t>(got)});
      while (const auto line = noises.next())
        tell(*line);
      if (noises.size() > longest_noise) tell(noises.rest());
    }
  }

  // False: it hung up.
  bool read_answers() {
    std::array<char, 65536> bytes{};
    const auto got = ::recv(channel.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    answers.add({bytes.data(), static_cast<std::size_t>(got)});
    return true;
  }

  bool write_some(std::string_view& line) const {
    const auto sent = ::send(channel.number(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    line.remove_prefix(static_cast<std::size_t>(sent));
    return true;
  }

  // What came before the question is no answer to it.
  bool has_spoken_unasked() {
    read_answers();
    return answers.size() > 0;
  }

  Result<std::string> converse(std::string_view to_send, Seconds limit) {
    if (pid <= 0) return fail(Code::unavailable, "its process is gone");
    const auto deadline = MonoTime::clock::now() + std::chrono::duration_cast<MonoTime::duration>(limit);
    for (;;) {
      if (to_send.empty()) {
        if (auto line = answers.next()) return std::move(*line);
      }
      if (answers.size() > options.longest_line) {
        end();
        return fail(Code::protocol, "it answered with a line of more than {} bytes", options.longest_line);
      }
      const short wanted = to_send.empty() ? POLLIN : static_cast<short>(POLLIN | POLLOUT);
      std::array<pollfd, 3> events{{{.fd = channel.number(), .events = wanted, .revents = 0},
                                    {.fd = silent ? -1 : noise.number(), .events = POLLIN, .revents = 0},
                                    {.fd = options.stop, .events = POLLIN, .revents = 0}}};
      const int left = milliseconds_to(deadline);
      const int ready = ::poll(events.data(), events.size(), left);
      if (ready == 0 || (ready > 0 && left == 0)) {
        end();
        return fail(Code::timed_out, "it took longer than {:g} s", limit.count());
      }
      if (events[2].revents != 0) {
        end();
        return fail(Code::internal, "this program ends");
      }
      if (events[1].revents != 0) read_noise();
      if ((events[0].revents & POLLOUT) != 0 && !write_some(to_send)) return ended();
      if ((events[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !read_answers()) return ended();
    }
  }
};

std::optional<std::string> find_program(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    auto candidate = fmt::format("{}/{}", rest.substr(0, end), name);
    if (end > 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

Result<Child> Child::start(ChildOptions options) {
  std::array<int, 2> line{};
  std::array<int, 2> pipe{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line.data()) != 0)
    return fail_errno(Code::io, errno, "no process: {}", std::generic_category().message(errno));
  auto process = std::make_unique<Process>();
  process->channel = moved_up(line[0]);
  const Descriptor their_line = moved_up(line[1]);
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return fail_errno(Code::io, errno, "no process: {}", std::generic_category().message(errno));
  process->noise = moved_up(pipe[0]);
  const Descriptor their_noise = moved_up(pipe[1]);
  const Descriptor nothing = moved_up(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (process->channel.number() < 0 || their_line.number() < 0 || process->noise.number() < 0 ||
      their_noise.number() < 0 || nothing.number() < 0) {
    return fail_errno(Code::io, errno, "no process: {}", std::generic_category().message(errno));
  }
  ::fcntl(process->noise.number(), F_SETFL, O_NONBLOCK);

  const auto arguments = pointers(options.arguments);
  const auto environment = pointers(options.environment);
  const Ends ends{.channel = their_line.number(), .noise = their_noise.number(), .nothing = nothing.number()};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(ends, arguments.data(), environment.data(), parent);
  if (pid < 0) return fail_errno(Code::io, errno, "no process: {}", std::generic_category().message(errno));
  process->pid = pid;
  process->options = std::move(options);
  return Child(std::move(process));
}

Child::Child(std::unique_ptr<Process> process) : process_(std::move(process)) {}
Child::Child(Child&&) noexcept = default;
Child& Child::operator=(Child&& other) noexcept {
  if (process_) process_->end();
  process_ = std::move(other.process_);
  return *this;
}
Child::~Child() {
  if (process_) process_->end();
}

Result<std::string> Child::ask(std::string_view line, Seconds limit) {
  if (process_->pid > 0 && process_->has_spoken_unasked()) {
    process_->end();
    return fail(Code::protocol, "it sent an answer without a request");
  }
  std::string text(line);
  text += '\n';
  return process_->converse(text, limit);
}

Result<std::string> Child::listen(Seconds limit) {
  return process_->converse({}, limit);
}

void Child::stop_at(int descriptor) {
  process_->options.stop = descriptor;
}

bool Child::alive() const {
  return process_ && process_->pid > 0;
}

int Child::pid() const {
  return process_ ? process_->pid : 0;
}

}  // namespace fluxmetrics
