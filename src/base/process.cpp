#include "base/process.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/resource.h>
#include <sys/time.h>
#include <system_error>
#include <unistd.h>

namespace fluxmetrics {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t count_open_files() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::uint64_t count = 0;
  while (!error && entry != std::filesystem::directory_iterator()) {
    ++count;
    entry.increment(error);
  }
  return count > 0 ? count - 1 : 0;  // one of them is the look itself
}

}  // namespace

ProcessUse read_process_use() {
  ProcessUse use;
  rusage spent{};
  if (getrusage(RUSAGE_SELF, &spent) == 0)
    use.cpu_seconds = seconds(spent.ru_utime) + seconds(spent.ru_stime);
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (std::ifstream pages("/proc/self/statm"); pages >> total >> resident) {
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    use.virtual_bytes = total * page;
    use.resident_bytes = resident * page;
  }
  use.open_files = count_open_files();
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) use.max_files = files.rlim_cur;
  return use;
}

}  // namespace fluxmetrics
