#include "simulate/drains.hpp"

#include <cerrno>
#include <cmath>

namespace fluxmetrics::simulate {
namespace {

std::string_view plural(const flux::IdSet& ranks) {
  return ranks.size() == 1 ? "rank" : "ranks";
}

}  // namespace

Result<DrainMode> drain_mode(const std::optional<std::string>& mode) {
  if (!mode) return DrainMode::strict;
  if (*mode == "update") return DrainMode::update;
  if (*mode == "overwrite") return DrainMode::overwrite;
  if (*mode == "force-overwrite") return DrainMode::force_overwrite;
  return fail_errno(Code::invalid, EINVAL, "Invalid mode specified");
}

Result<void> Drains::drain(const flux::IdSet& ranks, Time now, const std::optional<std::string>& reason,
                           DrainMode mode) {
  const flux::IdSet already = this->ranks() & ranks;
  if (mode == DrainMode::strict && !already.empty())
    return fail_errno(Code::invalid, EEXIST, "{} {} already drained", plural(already), already.to_string());
  for (const flux::IdSet::Id rank : ranks) {
    const auto [entry, fresh] = drained_.try_emplace(rank, Info{.since = now, .reason = reason});
    if (fresh) continue;
    Info& info = entry->second;
    if (mode != DrainMode::update || !info.reason) info.reason = reason;
    if (mode == DrainMode::force_overwrite) info.since = now;
  }
  return {};
}

Result<void> Drains::undrain(const flux::IdSet& ranks, bool tolerant) {
  const flux::IdSet missing = ranks - this->ranks();
  if (!tolerant && !missing.empty())
    return fail_errno(Code::invalid, EEXIST, "{} {} not drained", plural(missing), missing.to_string());
  for (const flux::IdSet::Id rank : ranks)
    drained_.erase(rank);
  return {};
}

flux::IdSet Drains::ranks() const {
  flux::IdSet ranks;
  for (const auto& [rank, info] : drained_)
    ranks.insert(rank);
  return ranks;
}

std::vector<flux::Drain> Drains::merged() const {
  std::map<std::pair<Time, std::string>, flux::IdSet> groups;
  for (const auto& [rank, info] : drained_)
    groups[{std::round(info.since), info.reason.value_or("")}].insert(rank);
  std::vector<flux::Drain> drains;
  drains.reserve(groups.size());
  for (auto& [key, ranks] : groups)
    drains.push_back({.ranks = std::move(ranks), .timestamp = key.first, .reason = key.second});
  return drains;
}

}  // namespace fluxmetrics::simulate
