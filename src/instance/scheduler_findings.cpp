#include "instance/scheduler_findings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>

namespace fluxmetrics::instance {
namespace {

std::vector<std::string> queues_that_deny(const Scheduler& scheduler) {
  std::vector<std::string> names;
  for (const auto& [queue, policy] : scheduler.queue_policies)
    if (scheduler.denies_wide_jobs(queue) != false) names.push_back(queue);
  return names;
}

// Which policies the fault is about: the common one, or those of queues.
std::string where_fcfs(const Scheduler& scheduler) {
  const auto queues = queues_that_deny(scheduler);
  if (queues.empty()) return {};
  return fmt::format(" (queue{} {})", queues.size() == 1 ? "" : "s", fmt::join(queues, ", "));
}

SchedulerFinding denies_wide_jobs(const Scheduler& scheduler) {
  SchedulerFinding finding;
  finding.id = denies_wide_jobs_id;
  finding.fault = fmt::format(
      "Fluxion's queue policy fcfs{} immediately denies a job that asks for more nodes than are up, so its "
      "nodes are never requested; and when a node is drained or lost, waiting jobs that are now too wide are "
      "denied too. A cluster that changes its size loses jobs.",
      where_fcfs(scheduler));
  if (!scheduler.prune_filters.value) {
    finding.fault += fmt::format(
        " (Not if its prune filters count no nodes. They are not known: {}.)",
        scheduler.prune_filters.unknown.empty() ? "nothing reported them" : scheduler.prune_filters.unknown);
  }
  finding.how =
      "Set a queue policy that lets wide jobs wait: easy, hybrid or conservative. To keep fcfs, set "
      "prune-filters = \"ALL:core\" in [sched-fluxion-resource] instead. Restart the brokers: Fluxion reads "
      "its "
      "settings only when it is loaded.";
  finding.broker_toml = "[sched-fluxion-qmanager]\nqueue-policy = \"easy\"";
  finding.minicluster = "spec:\n  flux:\n    scheduler:\n      queuePolicy: easy";
  return finding;
}

SchedulerFinding fills_high_ranks(const Scheduler& scheduler) {
  SchedulerFinding finding;
  finding.id = fills_high_ranks_id;
  const bool whole = scheduler.whole_nodes();
  const std::string_view better = whole ? "lonodex" : "lonode";
  finding.fault = fmt::format(
      "Fluxion's match policy \"{}\" gives jobs the highest ranks first. A MiniCluster loses its highest "
      "ranks "
      "first, so as soon as one job runs nothing can be given back.",
      *scheduler.match_policy.value);
  finding.how = fmt::format(
      "Set the match policy {}{}. A MiniCluster has no field for it: write the whole broker configuration to "
      "brokerConfig (start from the generated one, broker.toml in the leader's pod), with this table. "
      "Restart "
      "the brokers: Fluxion reads its settings only when it is loaded.",
      better, whole ? ", which gives each job whole nodes too" : " or low");
  finding.broker_toml = fmt::format("[sched-fluxion-resource]\nmatch-policy = \"{}\"", better);
  finding.minicluster = fmt::format(
      "spec:\n  flux:\n    brokerConfig: |\n      # the rest of broker.toml\n      [sched-fluxion-resource]\n"
      "      match-policy = \"{}\"",
      better);
  return finding;
}

std::string described(std::string_view name, const Setting& setting) {
  if (setting.value) return fmt::format(", {} {}", name, *setting.value);
  if (!setting.unknown.empty()) return fmt::format(", {} not known ({})", name, setting.unknown);
  return {};
}

std::string indented(std::string_view text) {
  std::string lines = "  ";
  for (const char c : text) {
    lines += c;
    if (c == '\n') lines += "  ";
  }
  return lines;
}

}  // namespace

std::vector<SchedulerFinding> scheduler_findings(const Scheduler& scheduler) {
  std::vector<SchedulerFinding> findings;
  const auto fcfs = [&](const Setting& policy) { return policy.is("fcfs"); };
  bool any_fcfs = scheduler.queue_policies.empty() && fcfs(scheduler.queue_policy);
  for (const auto& queue : scheduler.queue_policies)
    any_fcfs = any_fcfs || queue.policy == "fcfs";
  // Filters that nobody told are most likely the default, which denies.
  if (any_fcfs && scheduler.denies_wide_jobs() != false) findings.push_back(denies_wide_jobs(scheduler));
  if (scheduler.kind == Scheduler::Kind::fluxion && scheduler.fills_high_ranks_first())
    findings.push_back(fills_high_ranks(scheduler));
  return findings;
}

std::string text_of(const SchedulerFinding& finding) {
  return fmt::format("{}\n{}\nThe broker's configuration (TOML):\n{}\nMiniCluster of the Flux operator:\n{}",
                     finding.fault, finding.how, indented(finding.broker_toml),
                     indented(finding.minicluster));
}

std::string describe(const Scheduler& scheduler) {
  const auto name = scheduler.name();
  if (name.empty())
    return fmt::format("not known ({})",
                       scheduler.unknown.empty() ? "it has not been queried yet" : scheduler.unknown);
  std::string text = name;
  if (scheduler.queue_policies.empty()) text += described("queue policy", scheduler.queue_policy);
  for (const auto& [queue, policy] : scheduler.queue_policies)
    text += fmt::format(", queue policy of {} {}", queue, policy);
  text += described("match policy", scheduler.match_policy);
  text += described("prune filters", scheduler.prune_filters);
  return text;
}

}  // namespace fluxmetrics::instance
