#include "instance/scheduler.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "flux/fields.hpp"

namespace fluxmetrics::instance {
namespace {

namespace json = boost::json;
using namespace std::string_view_literals;
using Kind = Scheduler::Kind;

constexpr std::array kinds{
    std::pair{Kind::none, "none"sv},
    std::pair{Kind::simple, "sched-simple"sv},
    std::pair{Kind::fluxion, "Fluxion"sv},
    std::pair{Kind::other, "other"sv},
};

constexpr std::array settings{
    std::pair{"queue_policy"sv, &Scheduler::queue_policy},
    std::pair{"match_policy"sv, &Scheduler::match_policy},
    std::pair{"prune_filters"sv, &Scheduler::prune_filters},
};

// The options that a named match policy stands for (resource/policies/dfu_match_policy_factory.cpp of
// flux-sched 0.54); a policy that is no name is its options.
std::string_view match_options(std::string_view policy) {
  constexpr std::array named{
      std::pair{"first"sv, "policy=high node_centric=true stop_on_1_matches=true"sv},
      std::pair{"firstnodex"sv, "policy=high node_centric=true node_exclusive=true stop_on_1_matches=true"sv},
      std::pair{"high"sv, "policy=high"sv},
      std::pair{"low"sv, "policy=low"sv},
      std::pair{"lonode"sv, "policy=low node_centric=true"sv},
      std::pair{"hinode"sv, "policy=high node_centric=true"sv},
      std::pair{"lonodex"sv, "policy=low node_centric=true node_exclusive=true"sv},
      std::pair{"hinodex"sv, "policy=high node_centric=true node_exclusive=true"sv},
  };
  const auto* const found =
      std::ranges::find(named, policy, &std::pair<std::string_view, std::string_view>::first);
  return found == named.end() ? policy : found->second;
}

// Calls `each` with the pieces of `text` between `separator`s.
template <class Each>
bool any_piece(std::string_view text, char separator, Each each) {
  for (;;) {
    const auto end = text.find(separator);
    if (each(text.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
}

bool has_option(const Setting& match_policy, std::string_view option) {
  return match_policy.value && any_piece(match_options(*match_policy.value), ' ',
                                         [&](std::string_view piece) { return piece == option; });
}

// "ALL:core,cluster:node": whether nodes are among what is counted.
bool counts_nodes(std::string_view filters) {
  return any_piece(filters, ',', [](std::string_view filter) {
    const auto colon = filter.rfind(':');
    return colon != std::string_view::npos && filter.substr(colon + 1) == "node";
  });
}

std::optional<bool> denies(const Setting& policy, const Setting& filters) {
  if (!policy.value) return std::nullopt;
  if (*policy.value != "fcfs") return false;
  if (!filters.value) return std::nullopt;
  return counts_nodes(*filters.value);
}

}  // namespace

std::string Scheduler::name() const {
  if (kind == Kind::unknown) return {};
  if (kind == Kind::other && !module.empty()) return module;
  const auto* const found = std::ranges::find(kinds, kind, &std::pair<Kind, std::string_view>::first);
  return std::string(found->second);
}

Setting Scheduler::policy_of(std::string_view queue) const {
  const auto found = std::ranges::find(queue_policies, queue, &QueuePolicy::queue);
  return found == queue_policies.end() ? queue_policy : Setting::of(found->policy);
}

bool Scheduler::whole_nodes() const {
  return has_option(match_policy, "node_exclusive=true");
}

bool Scheduler::fills_high_ranks_first() const {
  return has_option(match_policy, "policy=high");
}

std::optional<bool> Scheduler::denies_wide_jobs(std::string_view queue) const {
  if (kind == Kind::unknown) return std::nullopt;
  if (kind != Kind::fluxion) return false;
  return denies(policy_of(queue), prune_filters);
}

std::optional<bool> Scheduler::denies_wide_jobs() const {
  if (kind == Kind::unknown) return std::nullopt;
  if (kind != Kind::fluxion) return false;
  if (queue_policies.empty()) return denies(queue_policy, prune_filters);
  std::optional<bool> answer = false;
  for (const auto& queue : queue_policies) {
    const auto one = denies(Setting::of(queue.policy), prune_filters);
    if (one == true) return true;
    if (!one) answer = std::nullopt;
  }
  return answer;
}

json::object Scheduler::to_json() const {
  json::object unknowns;
  if (!unknown.empty()) unknowns["name"] = unknown;
  json::object document;
  if (const auto known = name(); !known.empty()) document["name"] = known;
  if (!module.empty()) document["module"] = module;
  for (const auto& [key, member] : settings) {
    const Setting& setting = this->*member;
    if (setting.value) document[key] = *setting.value;
    if (!setting.unknown.empty()) unknowns[key] = setting.unknown;
  }
  if (!queue_policies.empty()) {
    json::object queues;
    for (const auto& [queue, policy] : queue_policies)
      queues[queue] = policy;
    document["queue_policies"] = std::move(queues);
  }
  if (!unknowns.empty()) document["unknown"] = std::move(unknowns);
  return document;
}

Result<Scheduler> Scheduler::from_json(const json::value& value) {
  flux::Fields in(value, "scheduler");
  Scheduler read;
  read.module = in.text("module").value_or("");
  if (const auto name = in.text("name")) {
    const auto* const found =
        std::ranges::find(kinds, std::string_view(*name), &std::pair<Kind, std::string_view>::second);
    read.kind = found == kinds.end() ? Kind::other : found->first;
  }
  for (const auto& [key, member] : settings)
    (read.*member).value = in.text(key);
  if (const auto* queues = in.object("queue_policies")) {
    flux::Fields policies(*in.any("queue_policies"), "scheduler: queue_policies");
    for (const auto& queue : *queues)
      read.queue_policies.push_back(
          {.queue = std::string(queue.key()), .policy = policies.text(queue.key()).value_or("")});
    if (!policies.ok()) in.fail_with(policies.error().error());
  }
  if (const auto* unknowns = in.any("unknown")) {
    flux::Fields reasons(*unknowns, "scheduler: unknown");
    read.unknown = reasons.text("name").value_or("");
    for (const auto& [key, member] : settings)
      (read.*member).unknown = reasons.text(key).value_or("");
    if (!reasons.ok()) in.fail_with(reasons.error().error());
  }
  if (!in.ok()) return in.error();
  return read;
}

}  // namespace fluxmetrics::instance
