// `simulate`: a Flux instance without Flux.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "commands/command_line.hpp"

namespace fluxmetrics::commands {

struct SimulateOptions {
  std::uint32_t size = 2;                 // ranks online at the start: 0..size-1
  std::optional<std::uint32_t> max_size;  // the size attribute; 4, or the size when that is more
  std::uint32_t cores = 4;                // per rank
  std::uint32_t gpus = 0;
  std::uint32_t pending = 0;
  std::uint32_t running = 0;
  std::string socket;  // "" = a new one below the temporary directory
  double speed = 1;
  std::optional<Seconds> pod_grace;  // how long the broker of a deleted pod lives on; none: it stops at once
  std::string trace;                 // file of JSON lines
  std::vector<std::string> queues;   // NAME or NAME=RANKS; configured queues start stopped, as Flux's do
  std::string as_version;            // "0.53"; "" = the newest
  bool as_guest = false;
  bool private_mode = false;
  bool no_scheduler = false;
  std::string scheduler = "simple";         // or "fluxion", whose the next three are
  std::vector<std::string> queue_policies;  // POLICY or QUEUE=POLICY
  std::string match_policy;
  std::string prune_filters;
  bool discovery = false;
  std::uint32_t quorum = 0;
  std::string exclude;  // an idset
  std::string parent_uri;
};

void add_simulate(Command& program);
int run_simulate(const SimulateOptions& options);

}  // namespace fluxmetrics::commands
