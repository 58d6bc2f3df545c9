#include "simulate/options.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace fluxmetrics::simulate {
namespace {

// Beyond this a mistyped number would only eat memory.
constexpr std::uint32_t max_ranks = 1U << 16U;
constexpr std::uint32_t max_cores = 1U << 16U;
constexpr std::uint32_t max_jobs = 1'000'000;

Result<void> check_queues(const Options& options) {
  std::set<std::string> names;
  for (const QueueOptions& queue : options.queues) {
    if (queue.name.empty())
      return fail(Code::invalid, "a queue needs a name: write it as NAME or NAME=RANKS");
    if (!names.insert(queue.name).second) return fail(Code::invalid, "queue '{}' is given twice", queue.name);
    if (!queue.ranks) continue;
    if (queue.ranks->empty()) return fail(Code::invalid, "queue '{}' has no ranks", queue.name);
    if (*queue.ranks->last() >= options.max_size)
      return fail(Code::invalid, "queue '{}' names rank {}, but the ranks are 0-{}", queue.name,
                  *queue.ranks->last(), options.max_size - 1);
  }
  for (std::size_t i = 0; i < options.trace.size(); ++i) {
    const std::string& queue = options.trace[i].request.queue;
    if (names.empty() ? queue.empty() : names.contains(queue)) continue;
    if (names.empty())
      return fail(Code::invalid, "trace job {} names queue '{}', but no queue is configured", i + 1, queue);
    return fail(Code::invalid, "trace job {} names queue '{}', which is not configured", i + 1, queue);
  }
  return {};
}

Result<void> check_jobs(const Options& options) {
  if (options.pending > max_jobs || options.running > max_jobs)
    return fail(Code::invalid, "{} pending and {} running jobs are too many: {} of each are the most",
                options.pending, options.running, max_jobs);
  if (options.running > std::uint64_t{options.size} * options.cores)
    return fail(Code::invalid, "{} running jobs do not fit on {} ranks with {} cores each", options.running,
                options.size, options.cores);
  const bool confined =
      std::ranges::any_of(options.queues, [](const QueueOptions& queue) { return queue.ranks.has_value(); });
  if (options.running > 0 && confined)
    return fail(Code::invalid, "running jobs cannot be made for queues that are confined to ranks");
  return {};
}

}  // namespace

Result<void> check(const Options& options) {
  if (options.size == 0) return fail(Code::invalid, "the size is 0: rank 0, the leader, is always online");
  if (options.max_size == 0 || options.max_size > max_ranks)
    return fail(Code::invalid, "the maximum size is {}: it must be from 1 to {}", options.max_size,
                max_ranks);
  if (options.size > options.max_size)
    return fail(Code::invalid, "the size {} is above the maximum size {}", options.size, options.max_size);
  if (options.cores == 0 || options.cores > max_cores)
    return fail(Code::invalid, "a rank has {} cores: it must have from 1 to {}", options.cores, max_cores);
  if (options.gpus > max_cores)
    return fail(Code::invalid, "a rank has {} gpus: it may have at most {}", options.gpus, max_cores);
  if (!(options.speed > 0) || !std::isfinite(options.speed))
    return fail(Code::invalid, "the speed {} is not a positive number", options.speed);
  if (options.pod_grace && (!std::isfinite(*options.pod_grace) || *options.pod_grace < 0))
    return fail(Code::invalid, "the grace period of {} s is not a time", *options.pod_grace);
  if (options.quorum > options.max_size)
    return fail(Code::invalid, "the quorum of {} is above the maximum size {}", options.quorum,
                options.max_size);
  if (!options.excluded.empty() && *options.excluded.last() >= options.max_size)
    return fail(Code::invalid, "rank {} cannot be excluded: the ranks are 0-{}", *options.excluded.last(),
                options.max_size - 1);
  if (options.private_mode && options.release.before(since::private_mode))
    return fail(Code::invalid, "Flux {} has no private mode, which came with 0.{}", options.release.text(),
                since::private_mode);
  if (options.discovers && options.size != options.max_size)
    return fail(
        Code::invalid,
        "an instance that discovers its resources has all of its ranks at the start: the size {} must be "
        "the maximum size {}",
        options.size, options.max_size);
  if (options.max_output_bytes == 0)
    return fail(Code::invalid, "a client's output must not be limited to 0 bytes");
  if (auto fine = check_jobs(options); !fine) return fine;
  if (options.fluxion) {
    for (const auto& [name, policy] : options.fluxion->policy_of_queue)
      if (std::ranges::find(options.queues, name, &QueueOptions::name) == options.queues.end())
        return fail(Code::invalid, "queue '{}', which has policy {}, is not configured", name,
                    name_of(policy));
    if (options.fluxion->prune_filters)
      if (auto fine = check_prune_filters(*options.fluxion->prune_filters); !fine) return fine;
  }
  return check_queues(options);
}

Result<QueueOptions> parse_queue(std::string_view text) {
  const std::size_t equals = text.find('=');
  QueueOptions queue{.name = std::string(text.substr(0, equals)), .ranks = std::nullopt};
  const bool plain = std::ranges::all_of(queue.name, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (queue.name.empty() || !plain)
    return fail(Code::invalid,
                "queue '{}' is not understood: write it as NAME or NAME=RANKS, the name of letters, digits, "
                "-, _ and .",
                text);
  if (equals == std::string_view::npos) return queue;
  auto ranks = flux::IdSet::parse(text.substr(equals + 1));
  if (!ranks) return fail(Code::invalid, "queue '{}': {}", queue.name, ranks.error().message);
  queue.ranks = std::move(*ranks);
  return queue;
}

}  // namespace fluxmetrics::simulate
