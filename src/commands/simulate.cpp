#include "commands/simulate.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <memory>
#include <pthread.h>
#include <string_view>
#include <unistd.h>

#include "base/log.hpp"
#include "commands/output.hpp"
#include "flux/uri.hpp"
#include "simulate/server.hpp"
#include "simulate/trace.hpp"

namespace fluxmetrics::commands {
namespace {

// A parent may be on another host, as those of real instances are, so ssh:// is fine for one.
Result<void> check_parent(const std::string& uri) {
  constexpr std::string_view remote = "ssh://";
  if (uri.empty() || (uri.starts_with(remote) && uri.size() > remote.size())) return {};
  const auto path = flux::local_socket_path(uri);
  if (!path) return fail(path.error().code, "--parent-uri: {}", path.error().message);
  return {};
}

// "easy", or "batch=easy" for one queue.
Result<void> read_queue_policy(const std::string& text, simulate::FluxionOptions& options) {
  const std::size_t equals = text.find('=');
  const auto policy =
      simulate::parse_queue_policy(equals == std::string::npos ? text : text.substr(equals + 1));
  if (!policy) return fail(policy.error().code, "--queue-policy: {}", policy.error().message);
  if (equals == std::string::npos) {
    if (options.queue_policy)
      return fail(Code::invalid, "--queue-policy is given twice: name the queue, as in batch={}", text);
    options.queue_policy = *policy;
  } else if (!options.policy_of_queue.emplace(text.substr(0, equals), *policy).second) {
    return fail(Code::invalid, "--queue-policy: queue '{}' has two policies", text.substr(0, equals));
  }
  return {};
}

// Nothing where the scheduler is another one.
Result<std::optional<simulate::FluxionOptions>> read_fluxion(const SimulateOptions& given) {
  if (given.scheduler != "fluxion") {
    if (given.queue_policies.empty() && given.match_policy.empty() && given.prune_filters.empty())
      return std::nullopt;
    return fail(Code::invalid,
                "--queue-policy, --match-policy and --prune-filters are Fluxion's: add --scheduler fluxion");
  }
  simulate::FluxionOptions options;
  for (const std::string& text : given.queue_policies)
    if (auto read = read_queue_policy(text, options); !read) return std::unexpected(read.error());
  if (!given.match_policy.empty()) {
    auto policy = simulate::MatchPolicy::parse(given.match_policy);
    if (!policy) return fail(policy.error().code, "--match-policy: {}", policy.error().message);
    options.match_policy = std::move(*policy);
  }
  if (!given.prune_filters.empty()) options.prune_filters = given.prune_filters;
  return options;
}

// Errors: what the user wrote is wrong.
Result<simulate::Options> read_options(const SimulateOptions& given) {
  simulate::Options options{.size = given.size,
                            .max_size = given.max_size.value_or(std::max(given.size, 4U)),
                            .cores = given.cores,
                            .gpus = given.gpus,
                            .speed = given.speed,
                            .socket = given.socket,
                            .pending = given.pending,
                            .running = given.running};
  if (given.pod_grace) options.pod_grace = given.pod_grace->count();
  options.guests = given.as_guest;
  options.private_mode = given.private_mode;
  options.scheduler = !given.no_scheduler;
  options.discovers = given.discovery;
  options.quorum = given.quorum;
  auto fluxion = read_fluxion(given);
  if (!fluxion) return std::unexpected(fluxion.error());
  options.fluxion = std::move(*fluxion);
  if (auto parent = check_parent(given.parent_uri); !parent) return std::unexpected(parent.error());
  options.parent_uri = given.parent_uri;
  if (!given.as_version.empty()) {
    const auto release = simulate::Release::parse(given.as_version);
    if (!release) return std::unexpected(release.error());
    options.release = *release;
  }
  auto excluded = flux::IdSet::parse(given.exclude);
  if (!excluded) return fail(Code::invalid, "--exclude: {}", excluded.error().message);
  options.excluded = std::move(*excluded);
  for (const std::string& text : given.queues) {
    auto queue = simulate::parse_queue(text);
    if (!queue) return std::unexpected(queue.error());
    options.queues.push_back(std::move(*queue));
  }
  if (!given.trace.empty()) {
    auto trace = simulate::read_trace(given.trace);
    if (!trace) return std::unexpected(trace.error());
    options.trace = std::move(*trace);
  }
  return options;
}

int misused(const Error& error) {
  log::error("{}", error.message);
  return exit_misused;
}

// What scheduler is imitated, and how.
void add_scheduler(Command& command, SimulateOptions& o) {
  command.option("--scheduler", o.scheduler, "Scheduler to imitate: simple or fluxion")
      .shows_default()
      .one_of({"simple", "fluxion"});
  command.option("--queue-policy", o.queue_policies,
                 "Fluxion's: fcfs, easy, hybrid or conservative [fcfs]; QUEUE=POLICY for one queue "
                 "(repeatable)");
  command
      .option("--match-policy", o.match_policy,
              "Fluxion's: first, firstnodex, high, low, lonode, hinode, lonodex or hinodex [first]")
      .check(not_empty());
  command.option("--prune-filters", o.prune_filters, "Fluxion's, such as ALL:core [ALL:core,ALL:node]")
      .check(not_empty());
  command.flag("--no-scheduler", o.no_scheduler, "Begin without a scheduler");
}

}  // namespace

void add_simulate(Command& program) {
  auto options = std::make_shared<SimulateOptions>();
  auto& o = *options;
  auto command =
      program.add_command("simulate", "Run a simulated Flux instance that speaks Flux's own protocol");
  command.footer(
      "Example:\n"
      "  flux-metrics-api simulate --size 2 --max-size 4 --cores 4 --socket /tmp/flux.sock &\n"
      "  export FLUX_URI=local:///tmp/flux.sock\n"
      "  flux-metrics-api simulate-ctl submit -N4 --duration 10s\n"
      "  flux-metrics-api get node_wanted_count\n"
      "With Fluxion, as in a MiniCluster that sets a queue policy:\n"
      "  flux-metrics-api simulate --scheduler fluxion --queue-policy easy --match-policy lonode\n"
      "Pods that die as a MiniCluster's do; rank 3 takes jobs for 30 s, then they fail:\n"
      "  flux-metrics-api simulate --size 4 --pod-grace 30s --socket /tmp/flux.sock &\n"
      "  FLUX_URI=local:///tmp/flux.sock flux-metrics-api simulate-ctl offline 3\n"
      "A large one, in the middle of its work:\n"
      "  flux-metrics-api simulate --size 10000 --pending 100000 --running 10000");
  command.whole("--size", o.size, "Ranks that are online at the start").shows_default();
  command.whole("--max-size", o.max_size, "All ranks: the size attribute [4, or --size when that is more]");
  command.whole("--cores", o.cores, "Cores per rank").shows_default();
  command.whole("--gpus", o.gpus, "GPUs per rank").shows_default();
  command.whole("--pending", o.pending, "Jobs that wait from the start, the first one for all ranks");
  command.whole("--running", o.running, "Jobs that run from the start");
  command.option("--socket", o.socket, "Path of the socket [a new one in the temporary directory]");
  command.number("--speed", o.speed, "How many times faster than real time")
      .shows_default()
      .check(number_above_zero(), "POSITIVE");
  command.bare_duration("--pod-grace", o.pod_grace,
                        "How long the broker of a deleted pod lives on and takes jobs, such as 30s [it stops "
                        "at once]");
  command.option("--trace", o.trace, "Jobs to submit: JSON lines, see docs/simulate.md");
  command.option("--queue", o.queues,
                 "A queue, NAME or NAME=RANKS (repeatable); queues start stopped, as Flux's do");
  command.option("--as-version", o.as_version,
                 "Act as this Flux version, such as 0.53: refuse what it lacked");
  command.flag("--as-guest", o.as_guest,
               "Treat clients as guests, unless they request the owner's role as simulate-ctl does");
  command.flag("--private-mode", o.private_mode, "Hide other users' jobs from guests (access.private-mode)");
  command.option("--exclude", o.exclude, "Ranks that the configuration excludes, an idset");
  command.whole("--quorum", o.quorum, "Stay in state quorum until this many ranks are online");
  add_scheduler(command, o);
  command.flag("--discovery", o.discovery,
               "Resources were discovered, not configured: ranks that are lost are removed for good");
  command.option("--parent-uri", o.parent_uri, "Be a sub-instance of the instance at this URI")
      .check(not_empty());
  command.runs([options] { return run_simulate(*options); });
}

int run_simulate(const SimulateOptions& options) {
  auto instance = read_options(options);
  if (!instance) return misused(instance.error());

  // The server's thread inherits the mask: the signals wait for sigwait().
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  simulate::Server server(std::move(*instance));
  // An instance that was told to shut down ends the program as a signal does.
  server.on_exit([] { ::kill(::getpid(), SIGTERM); });
  if (auto started = server.start(); !started) return misused(started.error());
  fmt::print("FLUX_URI={}\n", server.uri());
  fmt::print("{} of {} ranks are online. Steer it with: FLUX_URI={} flux-metrics-api simulate-ctl --help\n",
             options.size, options.max_size.value_or(std::max(options.size, 4U)), server.uri());
  flush_output();

  int signal = 0;
  sigwait(&signals, &signal);
  server.stop();
  return exit_fine;
}

}  // namespace fluxmetrics::commands
