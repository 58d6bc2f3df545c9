#include "sizing/rooms.hpp"

#include <algorithm>

namespace fluxmetrics::sizing {
namespace {

using Entry = flux::ResourceSet::Entry;
using Range = flux::IdSet::Range;

struct Piece {
  Range range;
  const Entry* entry;
};

// The ranges of all entries in one ascending list.
std::vector<Piece> flatten(const flux::ResourceSet& set) {
  std::vector<Piece> pieces;
  for (const auto& entry : set.entries)
    for (const auto& range : entry.ranks.ranges())
      pieces.push_back({range, &entry});
  std::ranges::sort(pieces, {}, [](const Piece& piece) { return piece.range.first; });
  return pieces;
}

bool uses_anything(const Entry& entry) {
  return !entry.cores.empty() || !entry.gpus.empty();
}

flux::Amount what_is_left(const Entry& owned, const Entry& used) {
  return {.cores = (owned.cores - used.cores).size(), .gpus = (owned.gpus - used.gpus).size()};
}

// Remembers the last pair of entries: neighbours mostly repeat it.
class Rooms {
 public:
  RankRun run(Range range, const Entry& owned, const Entry* used) {
    if (&owned != owned_ || used != used_) {
      owned_ = &owned;
      used_ = used;
      total_ = {.cores = owned.cores.size(), .gpus = owned.gpus.size()};
      free_ = used == nullptr ? total_ : what_is_left(owned, *used);
    }
    return {.first = range.first,
            .last = range.last,
            .total = total_,
            .free = free_,
            .busy = used != nullptr && uses_anything(*used)};
  }

 private:
  const Entry* owned_ = nullptr;
  const Entry* used_ = nullptr;
  flux::Amount total_;
  flux::Amount free_;
};

}  // namespace

std::vector<RankRun> rank_runs(const flux::ResourceSet& resources, const flux::ResourceSet& allocated,
                               const flux::IdSet& ranks) {
  std::vector<RankRun> runs;
  const auto used = flatten(allocated);
  Rooms rooms;
  auto owned = flatten(resources);
  auto next_used = used.begin();
  auto next_owned = owned.begin();
  for (const auto& wanted : ranks.ranges()) {
    while (next_owned != owned.end() && next_owned->range.last < wanted.first)
      ++next_owned;
    for (auto piece = next_owned; piece != owned.end() && piece->range.first <= wanted.last; ++piece) {
      std::uint64_t at = std::max(piece->range.first, wanted.first);
      const std::uint64_t end = std::uint64_t{std::min(piece->range.last, wanted.last)} + 1;
      while (at < end) {
        while (next_used != used.end() && next_used->range.last < at)
          ++next_used;
        const bool inside = next_used != used.end() && next_used->range.first <= at;
        std::uint64_t border = end;
        if (next_used != used.end()) {
          border = inside ? std::uint64_t{next_used->range.last} + 1 : next_used->range.first;
        }
        const std::uint64_t stop = std::min(end, border);
        const Range range{static_cast<flux::IdSet::Id>(at), static_cast<flux::IdSet::Id>(stop - 1)};
        runs.push_back(rooms.run(range, *piece->entry, inside ? next_used->entry : nullptr));
        at = stop;
      }
    }
  }
  return runs;
}

flux::IdSet busy_ranks(const flux::ResourceSet& allocated) {
  std::vector<Range> ranges;
  for (const auto& entry : allocated.entries)
    if (uses_anything(entry))
      ranges.insert(ranges.end(), entry.ranks.ranges().begin(), entry.ranks.ranges().end());
  return flux::IdSet::from_ranges(std::move(ranges));
}

std::uint32_t end_of(const flux::IdSet& ranks) {
  return ranks.empty() ? 0 : *ranks.last() + 1;
}

}  // namespace fluxmetrics::sizing
