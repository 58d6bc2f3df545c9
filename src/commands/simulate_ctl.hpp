// `simulate-ctl`: steers a simulated instance over the socket that every client uses. What a real broker
// understands too (submit, cancel, drain, undrain, queue) works there as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "commands/command_line.hpp"

namespace fluxmetrics::commands {

struct SimulateCtlOptions {
  std::optional<std::string> flux_uri;
  std::string action;  // online, offline, torpid, lively, submit, cancel, purge, drain, undrain, queue,
                       // scheduler, shutdown, clock
  std::string ranks;
  bool lost = false;         // offline
  std::string reason;        // drain
  std::string job_id;        // cancel
  std::uint32_t keep = 0;    // purge
  std::string queue_action;  // queue: start or stop; scheduler: load or unload
  std::string queue_name;    // "" = all
  bool all_queues = false;
  std::optional<std::uint32_t> nodes;
  std::optional<std::uint32_t> slots;
  std::uint32_t cores = 1;
  std::uint32_t gpus = 0;
  bool exclusive = false;
  std::string duration;
  std::string queue;
  std::uint32_t urgency = 16;
  std::uint32_t copies = 1;
};

void add_simulate_ctl(Command& program);
int run_simulate_ctl(const SimulateCtlOptions& options);

}  // namespace fluxmetrics::commands
