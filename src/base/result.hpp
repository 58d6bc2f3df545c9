// How functions report failure: a Result<T> is a value, or an Error with a sentence a user can act on.
#pragma once

#include <cerrno>
#include <expected>
#include <fmt/format.h>
#include <string>
#include <utility>

namespace fluxmetrics {

// What kind of failure it is, for callers that must decide; people read Error::message.
enum class Code {
  invalid,      // the input is wrong and will stay wrong
  not_found,    // the thing named does not exist
  unavailable,  // not now: connection lost, data missing or stale
  timed_out,    // no answer within the deadline
  denied,       // no permission
  protocol,     // the peer broke the protocol
  unsupported,  // the peer, or this program, does not know how
  io,           // the operating system said no
  internal,     // a fault of this program
  conflict,     // somebody else was first: read again, then decide again
  expired,      // it was there and is no longer kept: begin again without it
};

struct Error {
  Code code = Code::internal;
  std::string message;  // what happened, where, what to do
  int errnum = 0;       // Linux errno told by the peer or the system; 0 when none
};

template <class T>
using Result = std::expected<T, Error>;

// Builds the failed side of a Result: return fail(Code::invalid, "idset '{}' ...", text).
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{.code = code, .message = fmt::format(format, std::forward<Args>(args)...)});
}

// As fail(), with the errno that the peer or the system reported.
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail_errno(Code code, int errnum, fmt::format_string<Args...> format,
                                                Args&&... args) {
  return std::unexpected(
      Error{.code = code, .message = fmt::format(format, std::forward<Args>(args)...), .errnum = errnum});
}

}  // namespace fluxmetrics
