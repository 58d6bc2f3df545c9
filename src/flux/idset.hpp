// A set of ids (ranks, cores, gpus) as Flux writes it: RFC 22 idset, "0-3,7" or "[0-3,7]", "" when empty.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fluxmetrics::flux {

// Kept as sorted, disjoint, non-touching ranges, so 0-4294967294 costs as much as 0-1.
class IdSet {
 public:
  using Id = std::uint32_t;
  struct Range {
    Id first;
    Id last;  // inclusive
    auto operator<=>(const Range&) const = default;
  };
  // Visits ids in ascending order, without expanding the set.
  class Iterator {
   public:
    using value_type = Id;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const std::vector<Range>* ranges, std::size_t index);
    Id operator*() const { return id_; }
    Iterator& operator++();
    Iterator operator++(int);
    bool operator==(const Iterator& other) const { return index_ == other.index_ && id_ == other.id_; }

   private:
    const std::vector<Range>* ranges_ = nullptr;
    std::size_t index_ = 0;
    Id id_ = 0;
  };

  IdSet() = default;
  IdSet(std::initializer_list<Id> ids);
  // first..last inclusive; empty when first > last.
  [[nodiscard]] static IdSet range(Id first, Id last);
  // The union of `ranges`, which may come in any order and overlap.
  [[nodiscard]] static IdSet from_ranges(std::vector<Range> ranges);
  // Errors: Code::invalid naming the text and what is wrong: descending or overlapping ids, leading zeros,
  // ids above 4294967294, empty members, unbalanced brackets, junk, more than 131072 ranges.
  [[nodiscard]] static Result<IdSet> parse(std::string_view text);

  [[nodiscard]] std::string to_string() const;  // "0-3,7", never brackets
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] bool contains(Id id) const;
  [[nodiscard]] std::optional<Id> first() const;
  [[nodiscard]] std::optional<Id> last() const;
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  [[nodiscard]] Iterator begin() const { return {&ranges_, 0}; }
  [[nodiscard]] Iterator end() const { return {&ranges_, ranges_.size()}; }

  void insert(Id id);
  void insert(Range range);
  void erase(Id id);

  // Union, intersection, difference.
  friend IdSet operator|(const IdSet& a, const IdSet& b);
  friend IdSet operator&(const IdSet& a, const IdSet& b);
  friend IdSet operator-(const IdSet& a, const IdSet& b);
  IdSet& operator|=(const IdSet& other) { return *this = *this | other; }
  auto operator<=>(const IdSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

}  // namespace fluxmetrics::flux
