// What a controller tells the agent to do, and how that is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "flux/idset.hpp"
#include "kube/status.hpp"

namespace fluxmetrics::agent {

// A controller's right to decide: what its Lease (coordination.k8s.io/v1) says of it.
struct Leadership {
  std::string holder;            // holderIdentity
  std::int64_t transitions = 0;  // leaseTransitions: grows with each change of the holder
  [[nodiscard]] bool operator==(const Leadership&) const = default;
};

struct Command {
  enum class Kind { drain, undrain } kind = Kind::drain;
  flux::IdSet ranks = {};
  std::string requester = {};  // which replica asks
  Leadership lease = {};
  WallTime deadline = {};  // it is not begun after this
  std::string reason = {};
};

[[nodiscard]] std::string_view to_string(Command::Kind kind);  // "drain", "undrain"

inline constexpr std::size_t most_command_bytes = 64U << 10U;
// Of a name: a requester, a holder. Names are words, so that they can be found again in a drain's reason.
inline constexpr std::size_t longest_name = 253;
inline constexpr std::size_t longest_reason = 256;

// A word of letters, digits and "-._:@/", not too long.
[[nodiscard]] bool is_name(std::string_view text);

// `body`: {"ranks": idset of RFC 22, "requester", "lease": {"holder", "transitions"}, "deadline": RFC 3339,
// "reason"?}. Errors: 400 naming the field that is unknown, missing or wrong.
[[nodiscard]] std::expected<Command, kube::Status> read_command(Command::Kind kind, std::string_view body);

}  // namespace fluxmetrics::agent
