// The jobs of an instance by what they need: 100,000 jobs make a handful of groups, which are what gets
// packed.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "flux/job.hpp"
#include "instance/state.hpp"
#include "sizing/admission.hpp"
#include "sizing/need.hpp"

namespace fluxmetrics::sizing {

// Jobs of one queue and one shape each: indexes into the queues and the shapes of a state.
using JobKinds = std::set<std::pair<std::uint32_t, std::uint32_t>>;

// Jobs of one queue that need the same and may use the same ranks.
struct Group {
  Need need;
  std::uint32_t queue = 0;
  std::uint32_t shape = 0;
  std::uint64_t slots = 1;                      // of the shape: a node when it names nodes, else in all
  std::optional<std::uint32_t> nnodes, ncores;  // running jobs: what each holds, as job-list tells it
  Admission::Index admitted = 0;
  std::vector<flux::JobId> ids;
  [[nodiscard]] std::uint64_t jobs() const { return ids.size(); }
  // What each job holds, or would on ranks that have `node` each.
  [[nodiscard]] flux::Amount held_by_each(const flux::Amount& node) const;
};
using Groups = std::vector<Group>;

// RUN or CLEANUP: holds resources.
[[nodiscard]] bool is_running(const instance::Job& job);
// Jobs that wait and could start if there were room.
[[nodiscard]] Groups eligible_groups(const instance::InstanceState& state, Admission& admission);
// Of the eligible jobs that are not `impossible` the one of each queue that Flux looks at first: the highest
// priority, then the smallest id.
[[nodiscard]] Groups first_groups(const instance::InstanceState& state, const JobKinds& impossible,
                                  Admission& admission);
// Jobs in RUN and CLEANUP, by shape.
[[nodiscard]] Groups running_groups(const instance::InstanceState& state, Admission& admission);

// `jobs` jobs of groups[group], consecutive in the order of placement.
struct Batch {
  std::size_t group = 0;
  std::uint64_t jobs = 0;
};
// The order of placement: fewest admitted usable ranks first, then more gpus a piece, more cores a piece
// (exclusive: all of a node), more nodes, more slots, smaller job id.
[[nodiscard]] std::vector<Batch> in_order(const Groups& groups, const Admission& admission);

}  // namespace fluxmetrics::sizing
