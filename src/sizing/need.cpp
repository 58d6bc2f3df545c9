#include "sizing/need.hpp"

#include <algorithm>

#include "sizing/arithmetic.hpp"

namespace fluxmetrics::sizing {

std::uint64_t how_often(const flux::Amount& slot, const flux::Amount& room) {
  const std::uint64_t by_cores = slot.cores == 0 ? huge : room.cores / slot.cores;
  const std::uint64_t by_gpus = slot.gpus == 0 ? huge : room.gpus / slot.gpus;
  return std::min(by_cores, by_gpus);
}

std::uint64_t Need::fits(const flux::Amount& total, const flux::Amount& free) const {
  if (exclusive && free != total) return 0;
  const std::uint64_t often = how_often(piece, free);
  return exclusive && by_node ? std::min<std::uint64_t>(often, 1) : often;
}

std::uint64_t Need::ranks_on(const flux::Amount& node) const {
  return by_node ? pieces : ceil_div(pieces, std::max<std::uint64_t>(1, fits(node, node)));
}

flux::Amount Need::held_on(const flux::Amount& node) const {
  const std::uint64_t count = exclusive ? ranks_on(node) : pieces;
  const flux::Amount& each = exclusive ? node : piece;
  return {.cores = product(count, each.cores), .gpus = product(count, each.gpus)};
}

Need need_of(const flux::Shape& shape, bool whole_nodes) {
  const flux::Amount slot{.cores = shape.cores, .gpus = shape.gpus};
  if (!shape.nodes) return {.by_node = false, .pieces = shape.slots, .piece = slot, .exclusive = whole_nodes};
  const flux::Amount share{.cores = product(shape.slots, slot.cores),
                           .gpus = product(shape.slots, slot.gpus)};
  return {
      .by_node = true, .pieces = *shape.nodes, .piece = share, .exclusive = shape.exclusive || whole_nodes};
}

std::optional<Need> need_of_running(std::optional<std::uint32_t> nnodes,
                                    std::optional<std::uint32_t> ncores) {
  if (!nnodes || *nnodes == 0) return std::nullopt;
  const std::uint64_t cores = ncores ? ceil_div(*ncores, *nnodes) : 0;
  return Need{.by_node = true, .pieces = *nnodes, .piece = {.cores = cores, .gpus = 0}, .exclusive = !ncores};
}

}  // namespace fluxmetrics::sizing
