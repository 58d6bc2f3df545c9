// What a job asks for, reduced to what sizing needs: nodes, slots, cores and gpus.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "flux/constraint.hpp"

namespace fluxmetrics::flux {

// N nodes with S slots each (or S slots anywhere), C cores and G gpus a slot. Equal shapes pack alike.
struct Shape {
  std::optional<std::uint32_t> nodes{};  // N; absent: the scheduler spreads the slots
  std::uint32_t slots = 1;               // S: a node when nodes is given, else in all
  std::uint32_t cores = 1;               // C
  std::uint32_t gpus = 0;                // G
  bool exclusive = false;                // whole nodes
  bool known = true;                     // false: a lower bound, for want of a jobspec that is understood
  Constraint constraint{};
  auto operator<=>(const Shape&) const = default;
};

// Reads the `resources` of a jobspec (RFC 14): a tree of vertices of any types, of which nodes, slots, cores
// and gpus count, wherever they stand. A vertex is there as often as its count and those above it say; of a
// count that is a range (RFC 14, RFC 45) the smallest number counts. Nodes in a slot are whole ones, as in
// Fluxion. Where one shape cannot tell what differing nodes or slots ask for, each gets an equal part,
// rounded up. Errors: Code::protocol for what is no such tree, for a count that is no number from 1 to
// 4294967295, and when nothing in it counts.
[[nodiscard]] Result<Shape> read_shape(const boost::json::value& resources);

// The shape of a job whose jobspec cannot be read, from job-list's counts: nnodes given -> nodes of
// ncores/nnodes cores each, exclusive when ncores is absent; nnodes absent -> ncores single cores.
[[nodiscard]] Shape shape_from_counts(std::optional<std::uint32_t> nnodes,
                                      std::optional<std::uint32_t> ncores);

}  // namespace fluxmetrics::flux
