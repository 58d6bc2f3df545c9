// Fluxion's policies, as its own options and the broker's configuration name them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxmetrics::simulate {

// How the jobs of a queue that wait get their turn.
enum class QueuePolicy {
  fcfs,          // strictly in order; what cannot run on the nodes that are up is denied
  easy,          // the first that must wait is reserved, others may overtake it
  hybrid,        // the first 64
  conservative,  // all
};
// Errors: Code::invalid for a policy that Fluxion does not have.
[[nodiscard]] Result<QueuePolicy> parse_queue_policy(std::string_view text);
[[nodiscard]] std::string_view name_of(QueuePolicy policy);
// How many jobs may be reserved at a time.
[[nodiscard]] std::uint32_t reservation_depth(QueuePolicy policy);

// Which resources a job gets of those that would do.
struct MatchPolicy {
  std::string name = "first";
  bool high = true;               // highest ids first, else lowest
  bool node_centric = true;       // the node counts before the core
  bool node_exclusive = false;    // every job gets whole nodes
  bool stop_on_1_matches = true;  // looks no further than what is enough, the emptiest nodes first
  // A name ("lonode") or Fluxion's long form ("policy=low node_centric=true"). Errors: Code::invalid.
  [[nodiscard]] static Result<MatchPolicy> parse(std::string_view text);
};

// What is absent is not configured: Fluxion's defaults apply.
struct FluxionOptions {
  std::optional<QueuePolicy> queue_policy{};
  std::map<std::string, QueuePolicy> policy_of_queue{};  // by queue, before queue_policy
  std::optional<MatchPolicy> match_policy{};
  std::optional<std::string> prune_filters{};

  [[nodiscard]] QueuePolicy policy_of(const std::string& queue) const;
  [[nodiscard]] MatchPolicy match() const { return match_policy.value_or(MatchPolicy{}); }
  [[nodiscard]] std::string filters() const { return prune_filters.value_or("ALL:core,ALL:node"); }
  // Nodes are counted before anything is tried: without, a job may be wider than what is up.
  [[nodiscard]] bool prunes_nodes() const;
};

// "ALL:core,cluster:node": pairs of types. Errors: Code::invalid.
[[nodiscard]] Result<void> check_prune_filters(std::string_view text);

}  // namespace fluxmetrics::simulate
