// The command line of simulate, simulate-ctl and demo: commands that need no Flux.
#include <string>

#include <CLI/CLI.hpp>

#include "commands/arguments.hpp"
#include "commands/cli_commands.hpp"
#include "commands/cli_options.hpp"

namespace fluxmetrics::commands {
void add_simulate(CLI::App& app, Commands& c) {
  auto& o = c.simulate;
  auto* sub = app.add_subcommand("simulate", "Run a simulated Flux instance that speaks Flux's own protocol");
  sub->footer(
      "Example:\n"
      "  flux-metrics-api simulate --size 2 --max-size 4 --cores 4 --socket /tmp/flux.sock &\n"
      "  export FLUX_URI=local:///tmp/flux.sock\n"
      "  flux-metrics-api simulate-ctl submit -N4 --duration 10s\n"
      "  flux-metrics-api get node_wanted_count\n"
      "One with Fluxion, as a MiniCluster has it that was given a queue policy:\n"
      "  flux-metrics-api simulate --scheduler fluxion --queue-policy easy --match-policy lonode\n"
      "A large one, in the middle of its work:\n"
      "  flux-metrics-api simulate --size 10000 --pending 100000 --running 10000");
  add_whole(sub, "--size", o.size, "Ranks that are online at the start")->capture_default_str();
  add_whole(sub, "--max-size", o.max_size, "All ranks: the size attribute [4, or --size when that is more]");
  add_whole(sub, "--cores", o.cores, "Cores of a rank")->capture_default_str();
  add_whole(sub, "--gpus", o.gpus, "GPUs of a rank")->capture_default_str();
  add_whole(sub, "--pending", o.pending, "Jobs that wait from the start, the first one for all ranks");
  add_whole(sub, "--running", o.running, "Jobs that run from the start");
  sub->add_option("--socket", o.socket, "Path of the socket [a new one in the temporary directory]");
  sub->add_option("--speed", o.speed, "How many times faster than real time")
      ->capture_default_str()
      ->check(number_above_zero(), "POSITIVE");
  sub->add_option("--trace", o.trace, "Jobs to submit: JSON lines, see docs/simulate.md");
  sub->add_option("--queue", o.queues,
                  "A queue, NAME or NAME=RANKS (repeatable); queues start stopped, as Flux's do");
  sub->add_option("--as-version", o.as_version,
                  "Be a Flux of this version, such as 0.53: refuse what it lacked");
  sub->add_flag("--as-guest", o.as_guest,
                "Treat clients as guests, unless they ask for the owner's role as simulate-ctl does");
  sub->add_flag("--private-mode", o.private_mode,
                "Hide the jobs of others from guests (access.private-mode)");
  sub->add_option("--exclude", o.exclude, "Ranks that the configuration excludes, an idset");
  add_whole(sub, "--quorum", o.quorum, "Wait in state quorum until so many ranks are online");
  sub->add_option("--scheduler", o.scheduler, "Which scheduler is imitated: simple or fluxion")
      ->capture_default_str()
      ->check(CLI::IsMember({"simple", "fluxion"}));
  sub->add_option(
      "--queue-policy", o.queue_policies,
      "Of Fluxion: fcfs, easy, hybrid or conservative [fcfs]; QUEUE=POLICY for one queue (repeatable)");
  sub->add_option("--match-policy", o.match_policy,
                  "Of Fluxion: first, firstnodex, high, low, lonode, hinode, lonodex or hinodex [first]")
      ->check(not_empty());
  sub->add_option("--prune-filters", o.prune_filters, "Of Fluxion, such as ALL:core [ALL:core,ALL:node]")
      ->check(not_empty());
  sub->add_flag("--no-scheduler", o.no_scheduler, "Begin without a scheduler");
  sub->add_flag("--discovery", o.discovery,
                "Resources were found, not configured: ranks that are lost are removed for good");
  sub->add_option("--parent-uri", o.parent_uri, "Be a sub-instance of the instance at this URI")
      ->check(not_empty());
  sub->callback([&c] { c.run = [&c] { return run_simulate(c.simulate); }; });
}

void add_simulate_ctl(CLI::App& app, Commands& c) {
  auto& o = c.ctl;
  auto* ctl = app.add_subcommand("simulate-ctl", "Steer a simulated instance");
  ctl->footer(
      "Examples:\n"
      "  flux-metrics-api simulate-ctl online 2-3\n"
      "  flux-metrics-api simulate-ctl offline 3 --lost\n"
      "  flux-metrics-api simulate-ctl submit -N4 --duration 10s\n"
      "  flux-metrics-api simulate-ctl cancel 3562272718848\n"
      "  flux-metrics-api simulate-ctl queue start --all");
  add_flux_uri(ctl, o.flux_uri);
  ctl->require_subcommand(1);
  const auto action = [&](CLI::App* parent, const std::string& name, const std::string& help,
                          const std::string& example) {
    auto* sub = parent->add_subcommand(name, help);
    sub->footer("Example:\n  flux-metrics-api simulate-ctl " + example);
    sub->fallthrough();
    return sub;
  };
  auto* online = action(ctl, "online", "Ranks join", "online 2-3");
  online->add_option("ranks", o.ranks, "Idset, such as 2-3")->required();
  auto* offline = action(ctl, "offline", "Ranks leave", "offline 3 --lost");
  offline->add_option("ranks", o.ranks, "Idset, such as 3")->required();
  offline->add_flag("--lost", o.lost, "As a node that dies; otherwise as a pod that is deleted");
  action(ctl, "torpid", "Ranks answer slowly", "torpid 1")->add_option("ranks", o.ranks, "Idset")->required();
  action(ctl, "lively", "Ranks answer well again", "lively 1")
      ->add_option("ranks", o.ranks, "Idset")
      ->required();
  auto* submit = action(ctl, "submit", "Submit a job and print its id", "submit -N4 --duration 10s");
  add_whole(submit, "-N,--nodes", o.nodes, "Nodes");
  add_whole(submit, "-n,--slots", o.slots, "Slots in all; -N without -n asks for whole nodes");
  add_whole(submit, "-c,--cores-per-slot", o.cores, "Cores a slot")->capture_default_str();
  add_whole(submit, "-g,--gpus-per-slot", o.gpus, "GPUs a slot")->capture_default_str();
  submit->add_flag("--exclusive", o.exclusive, "Whole nodes");
  submit->add_option("--duration", o.duration,
                     "How long it runs, and its limit, such as 10s [it runs for ever]");
  submit->add_option("-q,--queue", o.queue, "Queue");
  add_whole(submit, "--urgency", o.urgency, "0 (held) to 31", 0, 31)->capture_default_str();
  add_whole(submit, "--cc", o.copies, "How many such jobs", 1)->capture_default_str();
  auto* cancel = action(ctl, "cancel", "Cancel a job", "cancel $(flux-metrics-api simulate-ctl submit -N1)");
  cancel->add_option("id", o.job_id, "Job id")->required();
  auto* purge = action(ctl, "purge", "Let the instance forget inactive jobs", "purge --keep 100");
  add_whole(purge, "--keep", o.keep, "How many of the latest to keep")->capture_default_str();
  auto* drain = action(ctl, "drain", "Drain ranks", "drain 1 \"a fan\"");
  drain->add_option("ranks", o.ranks, "Idset")->required();
  drain->add_option("reason", o.reason, "Why");
  auto* undrain = action(ctl, "undrain", "Undrain ranks", "undrain 1");
  undrain->add_option("ranks", o.ranks, "Idset")->required();
  action(ctl, "clock", "Show the simulated time", "clock");
  action(ctl, "stats", "Show how many requests came, by topic", "stats");
  auto* queue = action(ctl, "queue", "Start or stop queues", "queue start --all");
  queue->require_subcommand(1);
  for (const std::string name : {"start", "stop"}) {
    auto* sub = action(queue, name, name == "start" ? "Let jobs start" : "Let no job start", "queue " + name);
    sub->add_option("name", o.queue_name, "Queue");
    sub->add_flag("-a,--all", c.ctl.all_queues, "All queues (the default)");
    sub->callback([&o, name] { o.queue_action = name; });
  }
  auto* scheduler = action(ctl, "scheduler", "Load or unload the scheduler", "scheduler unload");
  scheduler->require_subcommand(1);
  for (const std::string name : {"load", "unload"}) {
    action(scheduler, name,
           name == "load" ? "Jobs start again" : "No job starts, as when its module is removed",
           "scheduler " + name)
        ->callback([&o, name] { o.queue_action = name; });
  }
  action(ctl, "shutdown", "End the instance, as `flux shutdown` does", "shutdown");
  ctl->callback([&c, ctl] {
    c.ctl.action = ctl->get_subcommands().front()->get_name();
    c.run = [&c] { return run_simulate_ctl(c.ctl); };
  });
}

void add_demo(CLI::App& app, Commands& c) {
  auto* sub = app.add_subcommand("demo", "Watch a simulated MiniCluster follow its queue: 2 -> 4 -> 2 nodes");
  sub->footer(
      "Example:\n  flux-metrics-api demo\nIt needs neither Flux nor Kubernetes and ends by itself in under "
      "45 seconds.");
  sub->add_flag("--plain", c.demo.plain, "Plain lines, also on a terminal");
  sub->add_option("--inject", c.demo.inject,
                  "Break something, to see that the demo tells: server-refused or job-killed")
      ->check(CLI::IsMember({"server-refused", "job-killed"}));
  sub->callback([&c] { c.run = [&c] { return run_demo(c.demo); }; });
}

}  // namespace fluxmetrics::commands
