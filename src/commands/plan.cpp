#include "commands/plan.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>

#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "commands/output.hpp"
#include "plan/generate.hpp"
#include "plan/job_history.hpp"
#include "plan/report.hpp"
#include "plan/run.hpp"

namespace fluxmetrics::commands {
namespace {

// Errors: a name that is none.
Result<std::vector<plan::PlanStrategy>> chosen_strategies(const PlanOptions& options) {
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
  if (options.strategies.empty()) return all;
  std::erase_if(all, [&](const plan::PlanStrategy& strategy) {
    return std::ranges::find(options.strategies, strategy.name) == options.strategies.end();
  });
  return all;
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
  const auto strategies = chosen_strategies(options);
  if (!strategies) return refuse(strategies.error());
  const auto trace = chosen_workload(options);
  if (!trace) return refuse(trace.error());
  if (trace->jobs.empty()) {
    return refuse({.code = Code::invalid,
                   .message = fmt::format("{} holds no job: there is nothing to play", source_of(options))});
  }
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

int run_plan(const PlanOptions& options) {
  if (!options.vectors.empty()) return run_plan_vectors(options);
  if (!options.trace.empty() || !options.workload.empty()) return play_trace(options);
  log::error("plan needs something to play: --trace FILE, --workload NAME, or --vectors FILE");
  return exit_misused;
}

}  // namespace fluxmetrics::commands
