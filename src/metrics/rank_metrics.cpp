#include "metrics/rank_metrics.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace fluxmetrics::metrics {
namespace {

using flux::IdSet;

struct RankFacts {
  bool up = false;
  flux::Amount total;
  flux::Amount allocated;
};

struct RankMetric {
  Description description;
  Result<double> (*value)(const RankFacts& facts);
};

Result<double> utilization(const RankFacts& facts) {
  if (!facts.up || facts.total.cores == 0) {
    return fail(Code::unavailable, "its rank is not up, and a ratio needs cores that are");
  }
  return static_cast<double>(facts.allocated.cores) / static_cast<double>(facts.total.cores);
}

constexpr std::string_view held = "job-manager.resource-status";

const std::array<RankMetric, 3>& all_of_ranks() {
  static const std::array<RankMetric, 3> all{{
      {.description = {.name = "core_utilization_ratio",
                       .unit = "ratio",
                       .help = "Cores in use of the cores of a pod's rank, while it is up.",
                       .source = "resource.status, job-manager.resource-status",
                       .labels = {}},
       .value = utilization},
      {.description = {.name = "node_cores_allocated_count",
                       .unit = "cores",
                       .help = "Cores in use on a pod's rank.",
                       .source = held,
                       .labels = {}},
       .value = [](const RankFacts& facts) -> Result<double> {
         return static_cast<double>(facts.allocated.cores);
       }},
      {.description = {.name = "node_gpus_allocated_count",
                       .unit = "gpus",
                       .help = "Gpus in use on a pod's rank.",
                       .source = held,
                       .labels = {}},
       .value = [](const RankFacts& facts) -> Result<double> {
         return static_cast<double>(facts.allocated.gpus);
       }},
  }};
  return all;
}

const std::vector<Description>& descriptions() {
  static const std::vector<Description> made = [] {
    std::vector<Description> list;
    for (const auto& metric : all_of_ranks())
      list.push_back(metric.description);
    return list;
  }();
  return made;
}

// One pass over the entries: asking a large resource set for each rank would take the product of both.
std::unordered_map<IdSet::Id, flux::Amount> amounts(const flux::ResourceSet& set) {
  std::unordered_map<IdSet::Id, flux::Amount> found;
  for (const auto& entry : set.entries) {
    const flux::Amount amount{.cores = entry.cores.size(), .gpus = entry.gpus.size()};
    for (const auto rank : entry.ranks)
      found.emplace(rank, amount);
  }
  return found;
}

}  // namespace

std::span<const Description> rank_catalogue() {
  return descriptions();
}

const Description* find_rank_description(std::string_view name) {
  const auto found = std::ranges::lower_bound(descriptions(), name, {}, &Description::name);
  return found != descriptions().end() && found->name == name ? &*found : nullptr;
}

Result<std::vector<Result<double>>> rank_values(const Description& metric, const Snapshot& snapshot,
                                                std::span<const IdSet::Id> ranks) {
  const auto& state = *snapshot.state;
  if (!snapshot.ranks_are_pods) {
    return fail(
        Code::not_found,
        "this Flux instance runs inside a job of another one (instance-level {}): its ranks are no pods",
        state.level);
  }
  if (!state.allocated_unknown.empty()) return fail(Code::unavailable, "{}", state.allocated_unknown);
  const auto value = std::ranges::find(all_of_ranks(), metric.name, [](const RankMetric& each) {
                       return each.description.name;
                     })->value;
  const auto total = amounts(state.resources);
  const auto allocated = amounts(state.allocated);
  const auto up = state.up_ranks();
  std::vector<Result<double>> values;
  values.reserve(ranks.size());
  for (const auto rank : ranks) {
    const auto has = total.find(rank);
    if (has == total.end()) {
      values.emplace_back(fail(Code::unavailable, "the Flux instance has no rank {}", rank));
      continue;
    }
    const auto holds = allocated.find(rank);
    values.push_back(value({.up = up.contains(rank),
                            .total = has->second,
                            .allocated = holds == allocated.end() ? flux::Amount() : holds->second}));
  }
  return values;
}

}  // namespace fluxmetrics::metrics
