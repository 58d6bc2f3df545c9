#include "flux/idset.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.hpp"

namespace fluxmetrics::flux {
namespace {

using Range = IdSet::Range;

constexpr IdSet::Id max_id = std::numeric_limits<IdSet::Id>::max() - 1;
// The largest machine with every second node in a set has fewer; a text of a few megabytes could have more.
constexpr std::size_t max_ranges = 1U << 17U;

// What sentences show of a text that somebody else wrote.
std::string shown_set(std::string_view text) {
  return printable(text, 80);
}

// Adds `range` behind the last of `ranges`, joining the two when they touch. `range.first` is not before the
// last range's first.
void append(std::vector<Range>& ranges, Range range) {
  if (!ranges.empty() && range.first <= max_id && range.first <= ranges.back().last + 1) {
    ranges.back().last = std::max(ranges.back().last, range.last);
  } else {
    ranges.push_back(range);
  }
}

Result<IdSet::Id> parse_id(std::string_view text, std::string_view whole) {
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits)
    return fail(Code::invalid, "idset '{}': '{}' is not a number", shown_set(whole), shown_set(text));
  if (text.size() > 1 && text.front() == '0') {
    return fail(Code::invalid, "idset '{}': '{}' has leading zeros", shown_set(whole), shown_set(text));
  }
  IdSet::Id id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || id > max_id) {
    return fail(Code::invalid, "idset '{}': '{}' is above {}", shown_set(whole), shown_set(text), max_id);
  }
  return id;
}

Result<Range> parse_range(std::string_view text, std::string_view whole) {
  const auto dash = text.find('-');
  const auto first = parse_id(text.substr(0, dash), whole);
  if (!first) return std::unexpected(first.error());
  if (dash == std::string_view::npos) return Range{*first, *first};
  const auto last = parse_id(text.substr(dash + 1), whole);
  if (!last) return std::unexpected(last.error());
  if (*first > *last)
    return fail(Code::invalid, "idset '{}': '{}' goes down", shown_set(whole), shown_set(text));
  return Range{*first, *last};
}

}  // namespace

IdSet::Iterator::Iterator(const std::vector<Range>* ranges, std::size_t index)
    : ranges_(ranges), index_(index), id_(index < ranges->size() ? (*ranges)[index].first : 0) {}

IdSet::Iterator& IdSet::Iterator::operator++() {
  if (id_ < (*ranges_)[index_].last) {
    ++id_;
  } else {
    ++index_;
    id_ = index_ < ranges_->size() ? (*ranges_)[index_].first : 0;
  }
  return *this;
}

IdSet::Iterator IdSet::Iterator::operator++(int) {
  const Iterator before = *this;
  ++*this;
  return before;
}

IdSet::IdSet(std::initializer_list<Id> ids) {
  for (const Id id : ids)
    insert(id);
}

IdSet IdSet::range(Id first, Id last) {
  IdSet set;
  set.insert(Range{first, last});
  return set;
}

IdSet IdSet::from_ranges(std::vector<Range> ranges) {
  std::ranges::sort(ranges);
  IdSet set;
  for (const Range& range : ranges) {
    if (range.first <= range.last) append(set.ranges_, range);
  }
  return set;
}

Result<IdSet> IdSet::parse(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('[') != rest.ends_with(']') || rest == "[") {
    return fail(Code::invalid, "idset '{}': unbalanced brackets", shown_set(text));
  }
  if (rest.starts_with('[')) rest = rest.substr(1, rest.size() - 2);
  IdSet set;
  if (rest.empty()) return set;
  for (;;) {
    const auto comma = rest.find(',');
    const auto range = parse_range(rest.substr(0, comma), text);
    if (!range) return std::unexpected(range.error());
    if (!set.empty() && range->first <= set.ranges_.back().last) {
      return fail(Code::invalid, "idset '{}': '{}' is not above what stands before it", shown_set(text),
                  shown_set(rest.substr(0, comma)));
    }
    append(set.ranges_, *range);
    if (set.ranges_.size() > max_ranges) {
      return fail(Code::invalid, "idset '{}' has more than {} ranges", shown_set(text), max_ranges);
    }
    if (comma == std::string_view::npos) return set;
    rest.remove_prefix(comma + 1);
  }
}

std::string IdSet::to_string() const {
  fmt::memory_buffer text;
  for (const Range& range : ranges_) {
    if (text.size() != 0) text.push_back(',');
    if (range.first == range.last) {
      fmt::format_to(fmt::appender(text), "{}", range.first);
    } else {
      fmt::format_to(fmt::appender(text), "{}-{}", range.first, range.last);
    }
  }
  return fmt::to_string(text);
}

std::uint64_t IdSet::size() const {
  std::uint64_t count = 0;
  for (const Range& range : ranges_)
    count += std::uint64_t{range.last} - range.first + 1;
  return count;
}

bool IdSet::contains(Id id) const {
  const auto it = std::ranges::lower_bound(ranges_, id, {}, &Range::last);
  return it != ranges_.end() && it->first <= id;
}

std::optional<IdSet::Id> IdSet::first() const {
  return empty() ? std::nullopt : std::optional<Id>(ranges_.front().first);
}

std::optional<IdSet::Id> IdSet::last() const {
  return empty() ? std::nullopt : std::optional<Id>(ranges_.back().last);
}

void IdSet::insert(Id id) {
  insert(Range{id, id});
}

void IdSet::insert(Range range) {
  if (range.first > range.last) return;
  // Ranges from `begin` up to `end` overlap or touch the new one: they become one.
  const Id reach = range.first == 0 ? 0 : range.first - 1;
  const auto begin = std::ranges::lower_bound(ranges_, reach, {}, &Range::last);
  auto end = begin;
  while (end != ranges_.end() && (end->first <= range.last || end->first - 1 == range.last)) {
    range.first = std::min(range.first, end->first);
    range.last = std::max(range.last, end->last);
    ++end;
  }
  ranges_.insert(ranges_.erase(begin, end), range);
}

void IdSet::erase(Id id) {
  const auto it = std::ranges::lower_bound(ranges_, id, {}, &Range::last);
  if (it == ranges_.end() || it->first > id) return;
  if (it->first == it->last) {
    ranges_.erase(it);
  } else if (it->first == id) {
    ++it->first;
  } else if (it->last == id) {
    --it->last;
  } else {
    const Range tail{id + 1, it->last};
    it->last = id - 1;
    ranges_.insert(it + 1, tail);
  }
}

IdSet operator|(const IdSet& a, const IdSet& b) {
  IdSet both;
  both.ranges_.reserve(a.ranges_.size() + b.ranges_.size());
  auto left = a.ranges_.begin();
  auto right = b.ranges_.begin();
  while (left != a.ranges_.end() || right != b.ranges_.end()) {
    const bool take_left =
        right == b.ranges_.end() || (left != a.ranges_.end() && left->first <= right->first);
    append(both.ranges_, take_left ? *left++ : *right++);
  }
  return both;
}

IdSet operator&(const IdSet& a, const IdSet& b) {
  IdSet shared;
  auto left = a.ranges_.begin();
  auto right = b.ranges_.begin();
  while (left != a.ranges_.end() && right != b.ranges_.end()) {
    const Range overlap{std::max(left->first, right->first), std::min(left->last, right->last)};
    if (overlap.first <= overlap.last) shared.ranges_.push_back(overlap);
    if (left->last < right->last) {
      ++left;
    } else {
      ++right;
    }
  }
  return shared;
}

IdSet operator-(const IdSet& a, const IdSet& b) {
  IdSet rest;
  auto cut = b.ranges_.begin();
  for (Range range : a.ranges_) {
    while (cut != b.ranges_.end() && cut->last < range.first)
      ++cut;
    // What lies before each cut stays; a cut that reaches beyond this range may also hit the next one.
    bool gone = false;
    for (auto it = cut; it != b.ranges_.end() && it->first <= range.last; ++it) {
      if (it->first > range.first) rest.ranges_.push_back({range.first, it->first - 1});
      gone = it->last >= range.last;
      if (gone) break;
      range.first = it->last + 1;
      cut = it;
    }
    if (!gone) rest.ranges_.push_back(range);
  }
  return rest;
}

}  // namespace fluxmetrics::flux
