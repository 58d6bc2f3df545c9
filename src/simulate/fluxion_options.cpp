#include "simulate/fluxion_options.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace fluxmetrics::simulate {
namespace {

constexpr std::array<std::pair<std::string_view, QueuePolicy>, 4> queue_policies{
    {{"fcfs", QueuePolicy::fcfs},
     {"easy", QueuePolicy::easy},
     {"hybrid", QueuePolicy::hybrid},
     {"conservative", QueuePolicy::conservative}}};

// What the short names stand for.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> match_policies{
    {{"first", "policy=high node_centric=true stop_on_1_matches=true"},
     {"firstnodex", "policy=high node_centric=true node_exclusive=true stop_on_1_matches=true"},
     {"high", "policy=high"},
     {"low", "policy=low"},
     {"lonode", "policy=low node_centric=true"},
     {"hinode", "policy=high node_centric=true"},
     {"lonodex", "policy=low node_centric=true node_exclusive=true"},
     {"hinodex", "policy=high node_centric=true node_exclusive=true"}}};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

Result<QueuePolicy> parse_queue_policy(std::string_view text) {
  for (const auto& [name, policy] : queue_policies)
    if (name == text) return policy;
  return fail(Code::invalid, "Fluxion has no queue policy '{}': it has fcfs, easy, hybrid and conservative",
              text);
}

std::string_view name_of(QueuePolicy policy) {
  return queue_policies.at(static_cast<std::size_t>(policy)).first;
}

std::uint32_t reservation_depth(QueuePolicy policy) {
  switch (policy) {
    case QueuePolicy::fcfs:
      return 0;
    case QueuePolicy::easy:
      return 1;
    case QueuePolicy::hybrid:
      return 64;
    case QueuePolicy::conservative:
      break;
  }
  return 100'000;
}

Result<MatchPolicy> MatchPolicy::parse(std::string_view text) {
  std::string_view form = text;
  for (const auto& [name, stands_for] : match_policies)
    if (name == text) form = stands_for;
  MatchPolicy policy{.name = std::string(text),
                     .high = true,
                     .node_centric = false,
                     .node_exclusive = false,
                     .stop_on_1_matches = false};
  bool ordered = false;
  for (const std::string_view part : split(form, ' ')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view key = part.substr(0, equals);
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    const bool truth = value == "true";
    if (key == "policy" && (value == "high" || value == "low")) {
      policy.high = value == "high";
      ordered = true;
    } else if (key == "node_centric" && (truth || value == "false")) {
      policy.node_centric = truth;
    } else if (key == "node_exclusive" && (truth || value == "false")) {
      policy.node_exclusive = truth;
    } else if (key == "stop_on_1_matches" && (truth || value == "false")) {
      policy.stop_on_1_matches = truth;
    } else {
      ordered = false;
      break;
    }
  }
  if (ordered) return policy;
  return fail(
      Code::invalid,
      "match policy '{}' is not imitated: name one of first, firstnodex, high, low, lonode, hinode, lonodex "
      "and hinodex, or write it as 'policy=low node_centric=true'",
      text);
}

QueuePolicy FluxionOptions::policy_of(const std::string& queue) const {
  const auto own = policy_of_queue.find(queue);
  if (own != policy_of_queue.end()) return own->second;
  return queue_policy.value_or(QueuePolicy::fcfs);
}

bool FluxionOptions::prunes_nodes() const {
  const std::string text = filters();
  return std::ranges::any_of(split(text, ','),
                             [](std::string_view filter) { return filter.ends_with(":node"); });
}

Result<void> check_prune_filters(std::string_view text) {
  for (const std::string_view filter : split(text, ',')) {
    const std::size_t colon = filter.find(':');
    if (colon != std::string_view::npos && colon > 0 && colon + 1 < filter.size()) continue;
    return fail(Code::invalid, "prune filters '{}' are not understood: write them as ALL:core,ALL:node",
                text);
  }
  return {};
}

}  // namespace fluxmetrics::simulate
