// What a simulated instance is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "flux/idset.hpp"
#include "simulate/fluxion_options.hpp"
#include "simulate/release.hpp"
#include "simulate/trace.hpp"

namespace fluxmetrics::simulate {

struct QueueOptions {
  std::string name;
  std::optional<flux::IdSet>
      ranks{};  // the queue requires a property that these ranks have; absent: all ranks
};

struct Options {
  std::uint32_t size = 2;      // ranks 0..size-1 are online at the start
  std::uint32_t max_size = 4;  // the size attribute: all ranks
  std::uint32_t cores = 4;     // of each rank
  std::uint32_t gpus = 0;
  std::vector<QueueOptions> queues{};  // none: one anonymous queue, which is started; others start stopped
  bool start_queues = false;           // configured ones too
  Release release{};                   // the version of Flux that is imitated
  bool guests = false;        // clients are guests unless they ask for the owner's role; strangers are let in
  bool private_mode = false;  // access.private-mode: guests see no jobs but their own
  bool scheduler = true;      // whether one is loaded at the start
  std::optional<FluxionOptions> fluxion{};  // it is Fluxion; absent: sched-simple
  bool discovers = false;    // resources were found, not configured: a lost rank is removed for good
  std::uint32_t quorum = 0;  // so many ranks must be online before the instance runs
  flux::IdSet excluded{};    // by configuration: no job ever runs there
  std::string parent_uri{};  // of the instance that this one is a job of; "" = a top instance
  // How many seconds the broker of a deleted pod lives on; absent: it stops at once.
  std::optional<double> pod_grace{};
  double speed = 1;                          // seconds of the instance in a second of the host
  std::string socket{};                      // "" = a new one below the temporary directory
  std::vector<TraceJob> trace{};             // jobs that submit themselves
  std::uint32_t pending = 0;                 // jobs that wait from the start, the first of them for all ranks
  std::uint32_t running = 0;                 // jobs that run from the start
  std::string host_prefix = "flux-sample-";  // rank 3 is flux-sample-3, as a MiniCluster's pods are called
  std::optional<double> start_time{};        // seconds since 1970; the host's clock when absent
  std::size_t max_output_bytes = std::size_t{64}
                                 << 20U;  // a client that does not read is cut off beyond this
};

// Errors: Code::invalid with a sentence naming the option: sizes of 0, size > max_size, queues named twice or
// with ranks that do not exist, a speed that is not positive, trace jobs that name unknown queues.
[[nodiscard]] Result<void> check(const Options& options);

// "batch" or "debug=2-3". Errors: Code::invalid.
[[nodiscard]] Result<QueueOptions> parse_queue(std::string_view text);

}  // namespace fluxmetrics::simulate
