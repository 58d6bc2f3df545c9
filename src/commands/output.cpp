#include "commands/output.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "base/log.hpp"

namespace fluxmetrics::commands {
namespace {

int tell_lost(const std::error_code& why) {
  log::error("cannot write to standard output: {}", std::generic_category().message(why.value()));
  return exit_failed;
}

}  // namespace

int ends_with(int code, const Error& why) {
  log::error("{}", why.message);
  return code;
}

void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is taken, so it becomes this stream. The wrong direction, for the two that carry
    // data: reading and writing go on failing as they do for a closed stream.
    const int wrong_way = stream == STDOUT_FILENO ? O_RDONLY : O_WRONLY;
    if (::open("/dev/null", wrong_way) == -1) return;
  }
}

void flush_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw std::system_error(errno == 0 ? EIO : errno, std::generic_category(), "cannot write");
}

int run_telling_lost_output(const std::function<int()>& command) {
  try {
    const int code = command();
    flush_output();
    return code;
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return tell_lost(error.code());
    log::error("{}", error.what());
    return exit_failed;
  } catch (const std::exception& fault) {
    log::error("internal error: {}", fault.what());
    return exit_failed;
  }
}

}  // namespace fluxmetrics::commands
