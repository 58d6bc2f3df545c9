#include "commands/plan.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <memory>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>

#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "commands/common_options.hpp"
#include "commands/output.hpp"
#include "commands/plan_hpa.hpp"
#include "commands/plan_record.hpp"
#include "commands/plan_vectors.hpp"
#include "plan/generate.hpp"
#include "plan/job_history.hpp"
#include "plan/report.hpp"
#include "plan/run.hpp"

namespace fluxmetrics::commands {
namespace {

// The built-in ones that are chosen, then the user's own. Errors: a name that is none, and an HPA that cannot
// be played.
Result<std::vector<plan::PlanStrategy>> chosen_strategies(const PlanOptions& options,
                                                          std::span<const simulate::TraceJob> jobs) {
  auto all =
      plan::plan_strategies(static_cast<std::int32_t>(options.min), static_cast<std::int32_t>(options.max));
  for (const auto& name : options.strategies) {
    if (std::ranges::find(all, name, &plan::PlanStrategy::name) == all.end()) {
      std::vector<std::string> names;
      for (const auto& strategy : all)
        names.push_back(strategy.name);
      return fail(Code::invalid, "there is no strategy '{}': there are {}", printable(name),
                  fmt::join(names, ", "));
    }
  }
  auto own = own_strategies({.files = options.hpas,
                             .kubernetes = options.kubernetes_version.value_or(hpa::newest_kubernetes),
                             .min = options.min,
                             .max = options.max,
                             .queues = plan::queues_of(jobs)},
                            all);
  if (!own) return own;
  if (!options.strategies.empty()) {
    std::erase_if(all, [&](const plan::PlanStrategy& strategy) {
      return std::ranges::find(options.strategies, strategy.name) == options.strategies.end();
    });
  }
  std::ranges::move(*own, std::back_inserter(all));
  return all;
}

// Errors: more than one thing is to come from standard input.
Result<void> check_standard_input(const PlanOptions& options) {
  const auto readers = std::ranges::count(options.hpas, "-") + (options.trace == "-" ? 1 : 0);
  if (readers <= 1) return {};
  return fail(Code::invalid,
              "standard input can be read once only: name a file for all but one of --trace and --hpa");
}

Result<plan::Workload> chosen_workload(const PlanOptions& options) {
  if (options.workload.empty()) return plan::read_workload(options.trace);
  auto jobs = plan::generate_workload(options.workload, options.seed);
  if (!jobs)
    return fail(Code::invalid, "there is no workload '{}': there are daily and burst", options.workload);
  return plan::Workload{.jobs = std::move(*jobs)};
}

std::string source_of(const PlanOptions& options) {
  if (!options.workload.empty()) return options.workload;
  return options.trace == "-" ? "standard input" : options.trace;
}

int refuse(const Error& error) {
  log::error("{}", error.message);
  return exit_misused;
}

int play_trace(const PlanOptions& options) {
  if (options.min > options.max) {
    return refuse({.code = Code::invalid,
                   .message = fmt::format("--min {} is above --max {}", options.min, options.max)});
  }
  if (const auto once = check_standard_input(options); !once) return refuse(once.error());
  const auto trace = chosen_workload(options);
  if (!trace) return refuse(trace.error());
  if (trace->jobs.empty()) {
    return refuse({.code = Code::invalid,
                   .message = fmt::format("{} holds no job: there is nothing to play", source_of(options))});
  }
  const auto strategies = chosen_strategies(options, trace->jobs);
  if (!strategies) return refuse(strategies.error());
  if (!trace->remark.empty()) log::info("{}: {}", source_of(options), trace->remark);
  const auto jobs = plan::plan_jobs(trace->jobs, options.max, options.cores);
  if (!jobs) return refuse(jobs.error());
  const plan::PlanSetup setup{.min = options.min,
                              .max = options.max,
                              .cores = options.cores,
                              .seed = options.seed,
                              .period = std::max(options.period.count(), 1.0),
                              .hold = options.hold.count(),
                              .patience = options.patience.count(),
                              .pod_grace = options.pod_grace.count(),
                              .kubernetes = options.kubernetes_version.value_or(hpa::newest_kubernetes)};
  std::vector<plan::PlanOutcome> outcomes;
  for (const auto& strategy : *strategies)
    outcomes.push_back(plan::run_plan_strategy(strategy, *jobs, setup));
  if (options.output == "json") {
    fmt::print("{}\n", json_text(plan::plan_json(outcomes, setup, source_of(options))));
  } else {
    fmt::print("{}", options.output == "csv" ? plan::plan_csv(outcomes) : plan::plan_table(outcomes));
  }
  if (options.plots.empty()) return exit_fine;
  const auto paths = plan::write_plan_plots(outcomes, options.plots, options.theme);
  return paths ? exit_fine : ends_with(exit_failed, paths.error());
}

}  // namespace

void add_plan(Command& program) {
  auto options = std::make_shared<PlanOptions>();
  auto& o = *options;
  auto command = program.add_command("plan", "Play autoscalers over a workload, before a cluster does");
  command.footer(
      "Examples:\n"
      "  flux-metrics-api plan --trace examples/daily.jsonl --max 64\n"
      "  flux-metrics-api plan --trace examples/burst.jsonl --strategy wanted-drain --strategy cpu --plots "
      "out\n"
      "  flux-metrics-api plan --trace examples/burst.jsonl --strategy wanted --hpa deploy/hpa.yaml\n"
      "  flux jobs -A -a -c0 --json | flux-metrics-api plan --trace -\n"
      "  flux-metrics-api plan record day.jsonl --duration 24h\n"
      "  flux-metrics-api plan --workload burst --seed 7\n"
      "  flux-metrics-api plan --workload daily --strategy wanted --strategy wanted-drain --pod-grace 0s\n"
      "The decisions of a real HPA controller beside this program's:\n"
      "  flux-metrics-api plan --vectors tests/data/hpa/edge.jsonl\n"
      "  flux-metrics-api plan --vectors tests/data/hpa/kubernetes-1.37.jsonl\n"
      "docs/plan.md describes the formats and the model.");
  auto vectors = command.option(
      "--vectors", o.vectors,
      "Compare with recorded decisions of an HPA controller: JSON lines, - for standard input");
  vectors.type("FILE");
  auto trace =
      command.option("--trace", o.trace,
                     "Jobs to play: JSON lines (docs/simulate.md), or the output of flux jobs --json; "
                     "- for standard input");
  trace.type("FILE").excludes(vectors);
  command
      .option("--workload", o.workload, "Jobs generated with --seed, for 64 nodes of 8 cores: daily or burst")
      .one_of({"daily", "burst"})
      .excludes(vectors)
      .excludes(trace);
  command.option(
      "--strategy", o.strategies,
      "Play only this one (repeatable): static, article, cpu, pending, wanted, wanted-drain, clairvoyant");
  command
      .option("--hpa", o.hpas,
              "Play the HPA in this file too (repeatable): YAML or JSON, - for standard input")
      .type("FILE")
      .excludes(vectors);
  command.whole("--min", o.min, "Fewest nodes", 1, 100'000).shows_default();
  command.whole("--max", o.max, "Most nodes", 1, 100'000).shows_default();
  command.whole("--cores", o.cores, "Cores per node", 1, 10'000).shows_default();
  command.whole("--seed", o.seed, "Seed of the random numbers").shows_default();
  command.duration("--period", o.period, "Time between two syncs of the HPA", Seconds(1));
  command.duration("--hold", o.hold, "As for start");
  command.duration("--patience", o.patience, "As for start");
  command.duration("--pod-grace", o.pod_grace,
                   "How long the broker of a deleted pod lives on and takes jobs, 0s: not at all");
  add_kubernetes_version(
      command, o.kubernetes_version,
      fmt::format("what a line of --vectors says, else {}", to_string(hpa::newest_kubernetes)));
  auto plots = command.option("--plots", o.plots, "Write plots into this directory: SVG");
  plots.type("DIRECTORY").excludes(vectors);
  add_theme(command, o.theme).needs(plots);
  command.option("-o,--output", o.output, "table, json or csv")
      .shows_default()
      .one_of({"table", "json", "csv"});
  add_plan_record(command);
  command.runs([options] { return run_plan(*options); });
}

int run_plan(const PlanOptions& options) {
  if (!options.vectors.empty()) {
    return run_plan_vectors(options.vectors, options.kubernetes_version, options.output);
  }
  if (!options.trace.empty() || !options.workload.empty()) return play_trace(options);
  log::error("plan needs something to play: --trace FILE, --workload NAME, or --vectors FILE");
  return exit_misused;
}

}  // namespace fluxmetrics::commands
