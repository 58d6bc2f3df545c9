#include "flux/rpc.hpp"

#include <cerrno>
#include <system_error>

#include "base/text.hpp"

namespace fluxmetrics::flux {
namespace {

Code code_for(std::uint32_t errnum) {
  switch (errnum) {
    case ENOSYS:
      return Code::unsupported;
    case EPERM:
    case EACCES:
      return Code::denied;
    case ENOENT:
      return Code::not_found;
    case EINVAL:
    case EEXIST:
      return Code::invalid;
    case ETIMEDOUT:
      return Code::timed_out;
    case EAGAIN:
    case EBUSY:
    case ENODATA:
    case EHOSTUNREACH:
    case ECONNRESET:
    case ECANCELED:
      return Code::unavailable;
    default:
      return Code::protocol;
  }
}

}  // namespace

Error rpc_error(std::string_view topic, std::uint32_t errnum, std::string_view text) {
  const auto number = static_cast<int>(errnum);
  return {.code = code_for(errnum),
          .message = fmt::format("{}: {}", topic,
                                 text.empty() ? std::generic_category().message(number) : printable(text)),
          .errnum = number};
}

}  // namespace fluxmetrics::flux
