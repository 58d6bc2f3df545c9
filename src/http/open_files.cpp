#include "http/open_files.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace fluxmetrics::http {
namespace {

constexpr std::size_t others = 64;  // the listener, the broker's sockets, the cluster's API, files being read

}  // namespace

std::size_t make_room_for(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
  const rlim_t wanted = std::min<rlim_t>(connections + others, limit.rlim_max);
  if (limit.rlim_cur < wanted) {
    rlimit raised = limit;
    raised.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  if (limit.rlim_cur >= connections + others) return connections;
  return std::max<std::size_t>(1, limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, others));
}

}  // namespace fluxmetrics::http
