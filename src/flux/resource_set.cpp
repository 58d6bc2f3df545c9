#include "flux/resource_set.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "flux/fields.hpp"
#include "flux/hostlist.hpp"

namespace fluxmetrics::flux {
namespace {

namespace json = boost::json;

constexpr std::uint64_t max_hosts = 1U << 20U;

Result<ResourceSet::Entry> read_entry(const json::value& value) {
  Fields in(value, "R_lite entry");
  ResourceSet::Entry entry;
  entry.ranks = in.idset("rank");
  if (const auto* children = in.any("children")) {
    Fields has(*children, "R_lite children");
    entry.cores = has.idset("core");
    entry.gpus = has.idset("gpu");
    if (!has.ok()) return has.error();
  }
  if (!in.ok()) return in.error();
  return entry;
}

// The ranks of all entries as sorted ranges, for finding a rank that is listed twice.
std::vector<IdSet::Range> sorted_ranges(const std::vector<ResourceSet::Entry>& entries) {
  std::vector<IdSet::Range> ranges;
  for (const auto& entry : entries) {
    ranges.insert(ranges.end(), entry.ranks.ranges().begin(), entry.ranks.ranges().end());
  }
  std::ranges::sort(ranges);
  return ranges;
}

Result<void> check_disjoint(const std::vector<ResourceSet::Entry>& entries) {
  const auto ranges = sorted_ranges(entries);
  const auto twice =
      std::ranges::adjacent_find(ranges, [](const auto& a, const auto& b) { return b.first <= a.last; });
  if (twice == ranges.end()) return {};
  return fail(Code::protocol, "R: R_lite lists rank {} twice", std::next(twice)->first);
}

Result<void> read_execution(const json::value& value, ResourceSet& set) {
  Fields in(value, "R: execution");
  if (const auto* entries = in.array("R_lite")) {
    for (const auto& item : *entries) {
      auto entry = read_entry(item);
      if (!entry) return std::unexpected(entry.error());
      set.entries.push_back(*std::move(entry));
    }
  }
  if (const auto* names = in.array("nodelist")) {
    set.has_nodelist = true;
    for (const auto& name : *names) {
      if (!name.is_string())
        return fail(Code::protocol, "R: nodelist contains something that is not a string");
      set.nodelist.emplace_back(name.get_string());
    }
  }
  if (const auto* properties = in.any("properties")) {
    set.has_properties = true;
    Fields named(*properties, "R: properties");
    if (!named.ok()) return named.error();
    for (const auto& [name, ranks] : properties->get_object())
      set.properties.emplace(name, named.idset(name));
    if (!named.ok()) return named.error();
  }
  set.starttime = in.number("starttime").value_or(0);
  set.expiration = in.number("expiration").value_or(0);
  set.nslots = in.unsigned32("nslots");
  if (!in.ok()) return in.error();
  return {};
}

}  // namespace

Result<ResourceSet> ResourceSet::from_json(const json::value& value) {
  Fields in(value, "R");
  const auto version = in.integer("version");
  const auto* execution = in.any("execution");
  if (!in.ok()) return in.error();
  if (version != 1) {
    return fail(Code::protocol, "R: version is {}, and only 1 is known",
                version ? std::to_string(*version) : "missing");
  }
  if (execution == nullptr) return fail(Code::protocol, "R: execution is missing");
  ResourceSet set;
  if (auto read = read_execution(*execution, set); !read) return std::unexpected(read.error());
  if (auto disjoint = check_disjoint(set.entries); !disjoint) return std::unexpected(disjoint.error());
  return set;
}

json::value ResourceSet::to_json() const {
  json::array lite;
  for (const Entry& entry : entries) {
    json::object children;
    if (!entry.cores.empty()) children["core"] = entry.cores.to_string();
    if (!entry.gpus.empty()) children["gpu"] = entry.gpus.to_string();
    lite.push_back(json::object{{"rank", entry.ranks.to_string()}, {"children", std::move(children)}});
  }
  json::object execution{{"R_lite", std::move(lite)}, {"starttime", starttime}, {"expiration", expiration}};
  if (nslots) execution["nslots"] = *nslots;
  if (has_nodelist) execution["nodelist"] = json::array(nodelist.begin(), nodelist.end());
  if (has_properties) {
    json::object named;
    for (const auto& [name, ranks] : properties)
      named[name] = ranks.to_string();
    execution["properties"] = std::move(named);
  }
  return json::object{{"version", 1}, {"execution", std::move(execution)}};
}

IdSet ResourceSet::ranks() const {
  return IdSet::from_ranges(sorted_ranges(entries));
}

const ResourceSet::Entry* ResourceSet::entry_of(IdSet::Id rank) const {
  const auto it =
      std::ranges::find_if(entries, [&](const Entry& entry) { return entry.ranks.contains(rank); });
  return it == entries.end() ? nullptr : &*it;
}

Amount ResourceSet::on_rank(IdSet::Id rank) const {
  const Entry* entry = entry_of(rank);
  if (entry == nullptr) return {};
  return {.cores = entry->cores.size(), .gpus = entry->gpus.size()};
}

Amount ResourceSet::total() const {
  Amount sum;
  for (const Entry& entry : entries) {
    sum.cores += entry.ranks.size() * entry.cores.size();
    sum.gpus += entry.ranks.size() * entry.gpus.size();
  }
  return sum;
}

Amount ResourceSet::total_of(const IdSet& ranks) const {
  Amount sum;
  for (const Entry& entry : entries) {
    const auto nodes = (entry.ranks & ranks).size();
    sum.cores += nodes * entry.cores.size();
    sum.gpus += nodes * entry.gpus.size();
  }
  return sum;
}

Result<std::map<IdSet::Id, std::string>> ResourceSet::hosts() const {
  std::map<IdSet::Id, std::string> by_rank;
  if (!has_nodelist) return by_rank;
  const IdSet all = ranks();
  std::vector<std::string> names;
  const std::uint64_t most = std::min<std::uint64_t>(max_hosts, all.size());
  for (const std::string& list : nodelist) {
    // Each list may be short and name millions: together they may name no more than there are ranks.
    auto expanded = expand_hostlist(list, most - names.size());
    if (!expanded) return fail(Code::protocol, "R: nodelist: {}", expanded.error().message);
    names.insert(names.end(), std::make_move_iterator(expanded->begin()),
                 std::make_move_iterator(expanded->end()));
  }
  if (names.size() != all.size()) {
    return fail(Code::protocol, "R: nodelist names {} hosts for {} ranks", names.size(), all.size());
  }
  auto name = names.begin();
  for (const IdSet::Id rank : all)
    by_rank.emplace(rank, std::move(*name++));
  return by_rank;
}

ResourceSet united(const ResourceSet& a, const ResourceSet& b) {
  ResourceSet both;
  both.entries = a.entries;
  for (const auto& added : b.entries) {
    IdSet missing = added.ranks;
    std::vector<ResourceSet::Entry> next;
    next.reserve(both.entries.size() + 2);
    for (auto& entry : both.entries) {
      const IdSet shared = entry.ranks & missing;
      if (shared.empty()) {
        next.push_back(std::move(entry));
        continue;
      }
      missing = missing - shared;
      next.push_back({.ranks = shared, .cores = entry.cores | added.cores, .gpus = entry.gpus | added.gpus});
      entry.ranks = entry.ranks - shared;
      if (!entry.ranks.empty()) next.push_back(std::move(entry));
    }
    if (!missing.empty()) next.push_back({.ranks = missing, .cores = added.cores, .gpus = added.gpus});
    both.entries = std::move(next);
  }
  return both;
}

}  // namespace fluxmetrics::flux
