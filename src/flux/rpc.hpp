// What every request to a broker has: its options, and how its failure reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "flux/message.hpp"

namespace fluxmetrics::flux {

// The broker that knows the whole instance. Most of what this program asks exists there alone; what every
// broker has (attributes, resource.status) another one refuses, or answers for itself.
inline constexpr std::uint32_t leader_rank = 0;

struct RpcOptions {
  std::chrono::milliseconds deadline{5000};  // zero waits for ever; streams take theirs in next()
  std::uint32_t nodeid = leader_rank;        // whichever broker's socket we are connected to
  std::uint32_t rolemask =
      0;  // 0 = let the connector fill it in; 2 asks to be treated as a guest (owners only)
};

// The sentence for a failed RPC: "TOPIC: TEXT"; without a text, the system's words for `errnum`.
[[nodiscard]] Error rpc_error(std::string_view topic, std::uint32_t errnum, std::string_view text);

}  // namespace fluxmetrics::flux
