// Which ranks the jobs of a queue and shape may use: distinct sets are kept once and known by their index.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flux/idset.hpp"
#include "instance/state.hpp"
#include "sizing/need.hpp"
#include "sizing/rooms.hpp"

namespace fluxmetrics::sizing {

class Admission {
 public:
  using Index = std::uint32_t;
  // `usable`: the ranks that may be counted on at all. Keeps a reference to `state`.
  Admission(const instance::InstanceState& state, flux::IdSet usable);

  // The ranks of R that both the queue and the shape admit.
  [[nodiscard]] Index of(std::uint32_t queue, std::uint32_t shape);
  // The ranks of R that the queue admits, usable or not.
  [[nodiscard]] const flux::IdSet& of_queue(std::uint32_t queue);
  // The ranks that are in both sets.
  [[nodiscard]] Index both(Index a, Index b);
  [[nodiscard]] const flux::IdSet& ranks(Index set) const { return sets_[set].ranks; }
  [[nodiscard]] const flux::IdSet& usable(Index set) const { return sets_[set].usable; }

  // The most common kind of node of `among` that holds a piece of `need` when empty; of all kinds when none
  // does; of all ranks of R when `among` has none. Zeros when R is empty. Of equally common kinds that of the
  // lowest rank.
  [[nodiscard]] flux::Amount usual_node(const flux::IdSet& among, const Need& need) const;

 private:
  struct Set {
    flux::IdSet ranks;
    flux::IdSet usable;
  };
  Index intern(flux::IdSet ranks);
  flux::IdSet evaluate(const flux::Constraint& constraint);

  const instance::InstanceState& state_;
  flux::IdSet all_;
  flux::IdSet usable_;
  std::vector<RankRun> kinds_;  // R with nothing in use
  std::optional<std::map<flux::IdSet::Id, std::string>> hosts_;
  std::vector<std::optional<flux::IdSet>> queues_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Index> known_;
  std::map<std::pair<Index, Index>, Index> intersections_;
  std::map<flux::IdSet, Index> index_;
  std::vector<Set> sets_;
};

}  // namespace fluxmetrics::sizing
