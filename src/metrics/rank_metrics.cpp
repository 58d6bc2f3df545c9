#include "metrics/rank_metrics.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

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

constexpr std::string_view held_by_ranks = "job-manager.resource-status";

const std::array<RankMetric, 3>& all_of_ranks() {
  static const std::array<RankMetric, 3> all{{
      {.description = {.name = "core_utilization_ratio",
                       .unit = "ratio",
                       .help = "Of the cores of a pod's rank, the fraction in use, while the rank is up.",
                       .source = "resource.status, job-manager.resource-status",
                       .labels = {}},
       .value = utilization},
      {.description = {.name = "node_cores_allocated_count",
                       .unit = "cores",
                       .help = "Cores in use on a pod's rank.",
                       .source = held_by_ranks,
                       .labels = {}},
       .value = [](const RankFacts& facts) -> Result<double> {
         return static_cast<double>(facts.allocated.cores);
       }},
      {.description = {.name = "node_gpus_allocated_count",
                       .unit = "gpus",
                       .help = "Gpus in use on a pod's rank.",
                       .source = held_by_ranks,
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

// What ranks have, by ranges in order, which are never expanded: asking a large resource set for one rank
// after the other would take the product of both.
class RankAmounts {
 public:
  explicit RankAmounts(const flux::ResourceSet& set) {
    for (const auto& entry : set.entries) {
      const flux::Amount amount{.cores = entry.cores.size(), .gpus = entry.gpus.size()};
      for (const auto& range : entry.ranks.ranges())
        ranges_.push_back({.ranks = range, .amount = amount});
    }
    std::ranges::sort(ranges_, {}, first_of);
  }
  [[nodiscard]] std::optional<flux::Amount> of(IdSet::Id rank) const {
    const auto after = std::ranges::upper_bound(ranges_, rank, {}, first_of);
    if (after == ranges_.begin() || std::prev(after)->ranks.last < rank) return std::nullopt;
    return std::prev(after)->amount;
  }

 private:
  struct Range {
    IdSet::Range ranks;
    flux::Amount amount;
  };
  static IdSet::Id first_of(const Range& range) { return range.ranks.first; }
  std::vector<Range> ranges_;
};

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
  const RankAmounts total(state.resources);
  const RankAmounts allocated(state.allocated);
  const auto up = state.up_ranks();
  std::vector<Result<double>> values;
  values.reserve(ranks.size());
  for (const auto rank : ranks) {
    const auto has = total.of(rank);
    if (!has) {
      values.emplace_back(fail(Code::unavailable, "the Flux instance has no rank {}", rank));
      continue;
    }
    values.push_back(value(
        {.up = up.contains(rank), .total = *has, .allocated = allocated.of(rank).value_or(flux::Amount())}));
  }
  return values;
}

}  // namespace fluxmetrics::metrics
