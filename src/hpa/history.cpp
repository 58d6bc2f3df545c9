#include "hpa/history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "hpa/numbers.hpp"

namespace fluxmetrics::hpa {
namespace {

constexpr std::int64_t ms = 1000;

// The new entry takes the place of the last one that nobody needs any more.
template <class Entry, class Useless>
void replace_or_append(std::vector<Entry>& entries, Entry entry, Useless useless) {
  const auto found = std::find_if(entries.rbegin(), entries.rend(), useless);
  if (found == entries.rend()) {
    entries.push_back(entry);
  } else {
    *found = entry;
  }
}

std::int32_t longest_period(const ScalingRules& rules) {
  std::int32_t longest = 0;
  for (const auto& policy : rules.policies)
    longest = std::max(longest, policy.period_seconds);
  return longest;
}

}  // namespace

void HpaHistory::begin(std::int32_t current, std::int64_t now_ms) {
  if (begun_) return;
  begun_ = true;
  recommendations_ = {{.replicas = current, .at_ms = now_ms}};
}

void HpaHistory::forget() {
  *this = HpaHistory();
}

std::int32_t HpaHistory::stabilise(std::int32_t wanted, std::int64_t window_ms, std::int64_t now_ms) {
  const auto cut = now_ms - window_ms;
  std::int32_t highest = wanted;
  for (const auto& entry : recommendations_) {
    if (entry.at_ms >= cut) highest = std::max(highest, entry.replicas);
  }
  replace_or_append(recommendations_, {.replicas = wanted, .at_ms = now_ms},
                    [&](const Recommendation& entry) { return entry.at_ms < cut; });
  return highest;
}

std::int32_t HpaHistory::stabilise(std::int32_t current, std::int32_t wanted, Windows windows,
                                   std::int64_t now_ms) {
  const auto up_cut = now_ms - windows.up_ms;
  const auto down_cut = now_ms - windows.down_ms;
  std::int32_t lowest = wanted;
  std::int32_t highest = wanted;
  for (const auto& entry : recommendations_) {
    if (entry.at_ms > up_cut) lowest = std::min(lowest, entry.replicas);
    if (entry.at_ms > down_cut) highest = std::max(highest, entry.replicas);
  }
  replace_or_append(
      recommendations_, {.replicas = wanted, .at_ms = now_ms},
      [&](const Recommendation& entry) { return entry.at_ms < up_cut && entry.at_ms < down_cut; });
  return std::min(std::max(current, lowest), highest);
}

std::int32_t HpaHistory::changes(const std::vector<Event>& events, std::int32_t period_seconds,
                                 std::int64_t now_ms) {
  const auto cut = now_ms - (period_seconds * ms);
  std::int64_t sum = 0;
  for (const auto& event : events) {
    if (event.at_ms > cut) sum += event.change;
  }
  return wrap_int32(sum);
}

// Both directions count: what was added and what was taken away since the period began.
std::int32_t HpaHistory::size_at_start(const ScalingPolicy& policy, std::int32_t current,
                                       std::int64_t now_ms) const {
  return wrap_int32(std::int64_t{current} - changes(ups_, policy.period_seconds, now_ms) +
                    changes(downs_, policy.period_seconds, now_ms));
}

std::int32_t HpaHistory::up_limit(const ScalingRules& rules, std::int32_t current,
                                  std::int64_t now_ms) const {
  if (rules.select == PolicySelect::disabled) return current;
  const bool least = rules.select == PolicySelect::min;
  using Limits = std::numeric_limits<std::int32_t>;
  std::int32_t limit = least ? Limits::max() : Limits::min();
  for (const auto& policy : rules.policies) {
    const auto start = size_at_start(policy, current, now_ms);
    // In floats on purpose: 110 x (1 + 10/100) is a little more than 121, and ceil makes it 122.
    const auto allowed =
        policy.type == PolicyType::pods
            ? wrap_int32(std::int64_t{start} + policy.value)
            : to_int32(std::ceil(static_cast<double>(start) * (1 + static_cast<double>(policy.value) / 100)));
    limit = least ? std::min(limit, allowed) : std::max(limit, allowed);
  }
  return limit;
}

std::int32_t HpaHistory::down_limit(const ScalingRules& rules, std::int32_t current,
                                    std::int64_t now_ms) const {
  if (rules.select == PolicySelect::disabled) return current;
  const bool least = rules.select == PolicySelect::min;
  using Limits = std::numeric_limits<std::int32_t>;
  std::int32_t limit = least ? Limits::min() : Limits::max();
  for (const auto& policy : rules.policies) {
    const auto start = size_at_start(policy, current, now_ms);
    const auto allowed =
        policy.type == PolicyType::pods
            ? wrap_int32(std::int64_t{start} - policy.value)
            : to_int32(static_cast<double>(start) * (1 - static_cast<double>(policy.value) / 100));
    limit = least ? std::max(limit, allowed) : std::min(limit, allowed);
  }
  return limit;
}

void HpaHistory::record_scale(const HpaBehavior& behavior, std::int32_t from, std::int32_t to,
                              std::int64_t now_ms) {
  const bool up = to > from;
  auto& events = up ? ups_ : downs_;
  const auto cut = now_ms - (longest_period(up ? behavior.up : behavior.down) * ms);
  for (auto& event : events) {
    if (event.at_ms < cut) event.outdated = true;
  }
  const auto change = std::int64_t{to} - from;
  replace_or_append(events, {.change = wrap_int32(up ? change : -change), .at_ms = now_ms},
                    [](const Event& event) { return event.outdated; });
}

}  // namespace fluxmetrics::hpa
