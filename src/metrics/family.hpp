// A metric family: one name, its meaning, and its items, which never overlap.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fluxmetrics::metrics {

// How a custom metric GET makes one value of the items that its selector leaves.
enum class Aggregation { sum, max, single };
enum class Type { gauge, counter };

using Labels = std::vector<std::pair<std::string, std::string>>;  // in the family's label order

struct Item {
  Labels labels;
  double value = 0;
  bool operator==(const Item&) const = default;
};

// What a family is, known without any broker: discovery and documentation are made of these. The texts live
// as long as the catalogue that it is in.
struct Description {
  std::string_view name;    // custom and external metrics name
  std::string_view unit;    // "nodes", "cores", "gpus", "jobs", "seconds", "ratio"
  std::string_view help;    // one sentence: what it counts
  std::string_view source;  // the RPC it comes from; of a user's metric, the file and its line
  std::vector<std::string_view> labels;
  Type type = Type::gauge;
  Aggregation aggregation = Aggregation::single;
};

// Of descriptions sorted by name; nullptr: none is called so.
[[nodiscard]] inline const Description* find_named(std::span<const Description> sorted,
                                                   std::string_view name) {
  const auto found = std::ranges::lower_bound(sorted, name, {}, &Description::name);
  return found != sorted.end() && found->name == name ? &*found : nullptr;
}

struct Family {
  const Description* description = nullptr;  // in the snapshot's catalogue
  std::vector<Item> items;
  std::optional<Error>
      missing;  // set: no value now (Code::unavailable -> 503) or ever (Code::not_found -> 404)
  std::optional<Now> measured = {};  // of a user's metric: when; others are as old as their snapshot
};

}  // namespace fluxmetrics::metrics
