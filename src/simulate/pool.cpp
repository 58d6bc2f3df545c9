#include "simulate/pool.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

#include "flux/hostlist.hpp"

namespace fluxmetrics::simulate {
namespace {

flux::IdSet first_of(const flux::IdSet& ids, std::uint64_t count) {
  flux::IdSet chosen;
  for (const flux::IdSet::Range range : ids.ranges()) {
    if (count == 0) break;
    const std::uint64_t take = std::min<std::uint64_t>(count, std::uint64_t{range.last} - range.first + 1);
    chosen.insert({.first = range.first, .last = static_cast<flux::IdSet::Id>(range.first + take - 1)});
    count -= take;
  }
  return chosen;
}

// How many slots fit on `node`.
std::uint64_t slots_on(const Slice& node, const flux::Shape& shape) {
  const std::uint64_t by_cores = node.cores.size() / shape.cores;
  return shape.gpus == 0 ? by_cores : std::min(by_cores, node.gpus.size() / shape.gpus);
}

std::optional<Placement> place_on_nodes(const std::vector<Slice>& candidates, const flux::Shape& shape) {
  Placement placement;
  const std::uint64_t cores = std::uint64_t{shape.slots} * shape.cores;
  const std::uint64_t gpus = std::uint64_t{shape.slots} * shape.gpus;
  for (const Slice& node : candidates) {
    if (placement.slices.size() == *shape.nodes) break;
    if (shape.exclusive) {
      placement.slices.push_back(node);
    } else if (node.cores.size() >= cores && node.gpus.size() >= gpus) {
      placement.slices.push_back(
          {.rank = node.rank, .cores = first_of(node.cores, cores), .gpus = first_of(node.gpus, gpus)});
    }
  }
  if (placement.slices.size() < *shape.nodes) return std::nullopt;
  placement.slots = shape.slots * *shape.nodes;
  return placement;
}

std::optional<Placement> place_slots(const std::vector<Slice>& candidates, const flux::Shape& shape) {
  Placement placement;
  std::uint64_t missing = shape.slots;
  for (const Slice& node : candidates) {
    if (missing == 0) break;
    const std::uint64_t take = std::min(missing, slots_on(node, shape));
    if (take == 0) continue;
    placement.slices.push_back({.rank = node.rank,
                                .cores = first_of(node.cores, take * shape.cores),
                                .gpus = first_of(node.gpus, take * shape.gpus)});
    missing -= take;
  }
  if (missing > 0) return std::nullopt;
  placement.slots = shape.slots;
  return placement;
}

}  // namespace

flux::IdSet Placement::ranks() const {
  flux::IdSet ranks;
  for (const Slice& slice : slices)
    ranks.insert(slice.rank);
  return ranks;
}

Pool::Pool(std::uint32_t ranks, std::uint32_t cores, std::uint32_t gpus) {
  Node node;
  if (cores > 0) node.cores = flux::IdSet::range(0, cores - 1);
  if (gpus > 0) node.gpus = flux::IdSet::range(0, gpus - 1);
  nodes_.assign(ranks, node);
}

std::vector<Slice> Pool::candidates(const flux::IdSet& ranks, const flux::Shape& shape) const {
  std::vector<Slice> free;
  for (const flux::IdSet::Id rank : ranks) {
    if (rank >= nodes_.size()) break;
    const Node& node = nodes_[rank];
    // Counted before anything is made of it: in a large instance most ranks are full.
    const std::uint64_t cores = shape.exclusive ? node.cores.size() : shape.cores;
    if (node.cores.size() - node.used_cores.size() < cores) continue;
    if (node.gpus.size() - node.used_gpus.size() < shape.gpus) continue;
    free.push_back({.rank = rank, .cores = node.cores - node.used_cores, .gpus = node.gpus - node.used_gpus});
  }
  return free;
}

std::optional<Placement> Pool::place(const flux::Shape& shape, const flux::IdSet& up,
                                     const flux::IdSet& admitted) const {
  if (shape.cores == 0) return std::nullopt;
  std::vector<Slice> free = candidates(up & admitted, shape);
  std::ranges::sort(free, [](const Slice& a, const Slice& b) {
    return std::tuple(b.cores.size(), b.gpus.size(), a.rank) <
           std::tuple(a.cores.size(), a.gpus.size(), b.rank);
  });
  auto placement = shape.nodes ? place_on_nodes(free, shape) : place_slots(free, shape);
  if (placement) std::ranges::sort(placement->slices, {}, &Slice::rank);
  return placement;
}

std::optional<std::string> Pool::unsatisfiable(const flux::Shape& shape, const flux::IdSet& admitted) const {
  std::vector<Slice> all;
  for (const flux::IdSet::Id rank : admitted) {
    if (rank >= nodes_.size()) break;
    all.push_back({.rank = rank, .cores = nodes_[rank].cores, .gpus = nodes_[rank].gpus});
  }
  const auto eligible = [&](std::uint64_t cores, std::uint64_t gpus) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        all, [&](const Slice& node) { return node.cores.size() >= cores && node.gpus.size() >= gpus; }));
  };
  if (shape.nodes && shape.exclusive) {
    const std::uint64_t found = eligible(shape.cores, shape.gpus);
    if (found >= *shape.nodes) return std::nullopt;
    return fmt::format("unsatisfiable request: need {} exclusive node(s), only {} eligible", *shape.nodes,
                       found);
  }
  if (shape.nodes) {
    const std::uint64_t cores = std::uint64_t{shape.slots} * shape.cores;
    const std::uint64_t gpus = std::uint64_t{shape.slots} * shape.gpus;
    const std::uint64_t found = eligible(cores, gpus);
    if (found >= *shape.nodes) return std::nullopt;
    return fmt::format("unsatisfiable request: need {} node(s) with {} cores{} each, only {} eligible",
                       *shape.nodes, cores, gpus > 0 ? fmt::format(" and {} GPUs", gpus) : "", found);
  }
  std::uint64_t core_slots = 0;
  std::uint64_t slots = 0;
  std::uint64_t cores = 0;
  std::uint64_t gpus = 0;
  for (const Slice& node : all) {
    core_slots += shape.cores == 0 ? 0 : node.cores.size() / shape.cores;
    slots += shape.cores == 0 ? 0 : slots_on(node, shape);
    cores += node.cores.size();
    gpus += node.gpus.size();
  }
  if (core_slots < shape.slots)
    return fmt::format(
        "unsatisfiable request: need {} slot(s) of {} core(s), only {} such slot(s) available "
        "(total cores: {})",
        shape.slots, shape.cores, core_slots, cores);
  if (slots < shape.slots)
    return fmt::format(
        "unsatisfiable request: need {} slot(s) with {} GPU(s) each, only {} available "
        "(total GPUs: {})",
        shape.slots, shape.gpus, slots, gpus);
  return std::nullopt;
}

void Pool::take(const Placement& placement) {
  for (const Slice& slice : placement.slices) {
    nodes_[slice.rank].used_cores |= slice.cores;
    nodes_[slice.rank].used_gpus |= slice.gpus;
  }
}

void Pool::give_back(const Placement& placement) {
  for (const Slice& slice : placement.slices) {
    Node& node = nodes_[slice.rank];
    node.used_cores = node.used_cores - slice.cores;
    node.used_gpus = node.used_gpus - slice.gpus;
  }
}

Slice Pool::whole(flux::IdSet::Id rank) const {
  return {.rank = rank, .cores = nodes_.at(rank).cores, .gpus = nodes_.at(rank).gpus};
}

Slice Pool::free(flux::IdSet::Id rank) const {
  const Node& node = nodes_.at(rank);
  return {.rank = rank, .cores = node.cores - node.used_cores, .gpus = node.gpus - node.used_gpus};
}

std::vector<Slice> Pool::taken() const {
  std::vector<Slice> taken;
  for (std::size_t rank = 0; rank < nodes_.size(); ++rank) {
    const Node& node = nodes_[rank];
    if (node.used_cores.empty() && node.used_gpus.empty()) continue;
    taken.push_back(
        {.rank = static_cast<flux::IdSet::Id>(rank), .cores = node.used_cores, .gpus = node.used_gpus});
  }
  return taken;
}

flux::ResourceSet make_resource_set(const std::vector<Slice>& slices, const std::vector<std::string>& hosts,
                                    const std::map<std::string, flux::IdSet>& properties) {
  flux::ResourceSet set;
  std::vector<std::string> names;
  std::map<std::pair<flux::IdSet, flux::IdSet>, std::size_t> entries;  // by cores and gpus
  flux::IdSet ranks;
  for (const Slice& slice : slices) {
    const auto [entry, fresh] = entries.try_emplace({slice.cores, slice.gpus}, set.entries.size());
    if (fresh) set.entries.push_back({.ranks = {}, .cores = slice.cores, .gpus = slice.gpus});
    set.entries[entry->second].ranks.insert(slice.rank);
    ranks.insert(slice.rank);
    names.push_back(hosts.at(slice.rank));
  }
  set.has_nodelist = true;
  set.nodelist = {flux::compress_hostlist(names)};
  for (const auto& [name, holders] : properties) {
    flux::IdSet present = holders & ranks;
    if (!present.empty()) set.properties.emplace(name, std::move(present));
  }
  set.has_properties = !set.properties.empty();
  return set;
}

void whole_seconds(boost::json::value& R) {
  for (const char* const time : {"starttime", "expiration"}) {
    boost::json::value& shown = R.at("execution").at(time);
    shown = static_cast<std::int64_t>(shown.to_number<double>());
  }
}

std::string bracketed(const flux::IdSet& ids) {
  return ids.size() > 1 ? fmt::format("[{}]", ids.to_string()) : ids.to_string();
}

std::string summary(const flux::ResourceSet& resources) {
  std::string text;
  for (const flux::ResourceSet::Entry& entry : resources.entries) {
    if (!text.empty()) text += ' ';
    text += fmt::format("rank{}/core{}", bracketed(entry.ranks), bracketed(entry.cores));
    if (!entry.gpus.empty()) text += fmt::format(",gpu{}", bracketed(entry.gpus));
  }
  return text;
}

}  // namespace fluxmetrics::simulate
