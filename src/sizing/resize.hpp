// How a MiniCluster gets from one size to another without the loss of a job: the protocol, as one state
// machine without effects. It sees need, sizes, pods, drains and what runs, and says what to drain, to
// publish, to scale and to undrain. Whoever calls it has the effects, and the clock.
//
// It holds against any writer who acts on what was published, or whom the caller counts in `handed_out`. What
// it cannot hold against: a size that is written regardless (kubectl; ask ranks_to_drain and
// smallest_safe_size before such a write is let through), and an administrator who undrains a rank that is
// about to leave.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "flux/idset.hpp"

namespace fluxmetrics::sizing {

struct ResizePolicy {
  std::uint32_t min = 1;
  std::uint32_t max = std::numeric_limits<std::uint32_t>::max();
  Seconds hold{60};  // after its start it gives nothing back for this long: it does not know what was needed
  Seconds shrink_every{15};     // at most one shrink in this time
  Seconds stale_after{10};      // what was seen longer ago is no reason to give anything back
  Seconds grow_for{60};         // ... and what was seen longer ago than this none to ask for more
  bool writes = false;          // we patch the scale; else somebody reads the published value and does
  bool watches_cluster = true;  // false: there is only Flux to go by
};

// The MiniCluster, its Job and its pods. Rank i is the pod of completion index i.
struct ClusterSight {
  MonoTime seen;
  std::uint32_t size = 0;                    // spec.size: what was asked for
  std::optional<std::uint32_t> parallelism;  // the Job's: what the operator made of it
  flux::IdSet terminating;  // indexes with a pod that is being deleted, whatever else they have
  flux::IdSet joined;  // ranks whose broker is online and is that of a pod which stays. A second broker takes
                       // a rank over, so of two pods the online one may be the one that goes
};

// No writer acts on what it was told.
inline constexpr std::uint32_t nobody = std::numeric_limits<std::uint32_t>::max();

// To be read in this order: `published` and `handed_out`, the cluster, the drains, what is busy. Each rule
// below leans on it: a job that is seen after the drain cannot have started later, and a size that is seen
// after the last read of a value is not about to be replaced by an older value.
struct ResizeObservation {
  MonoTime now;
  std::uint32_t need = 1;       // ranks that should take jobs: the held target of sizing
  std::uint32_t published = 0;  // what a reader gets now; 0 = nothing since we started
  // The smallest size that a writer may still bring about by what it was told: the value that an HPA read
  // last (through a cache: the smallest of its last so many seconds), a patch of ours whose outcome is
  // unknown, a write that was just admitted. 0 = not known, as after a start.
  std::uint32_t handed_out = 0;
  std::optional<ClusterSight> cluster;
  MonoTime flux_seen;
  std::uint32_t ranks = 0;  // of R: also those that no pod has yet
  flux::IdSet online;       // brokers; only looked at where the cluster is not watched
  flux::IdSet ours;         // drained by us
  flux::IdSet others;       // drained by somebody else
  flux::IdSet busy;         // not offline, and something is allocated: jobs in RUN and CLEANUP, housekeeping
};

enum class ResizeWait : std::uint8_t {
  nothing,
  flux_silent,     // its state is too old to give anything back
  cluster_silent,  // nothing seen of the MiniCluster, or too old
  sizes_differ,    // the operator is not done, or ignores the size
  just_started,    // no memory is no reason to shrink
  drain,           // not yet seen to be drained
  jobs,            // something runs on ranks that are to go
  last_shrink,     // too short a time ago
  old_pod,         // to grow: the old pod of an index still runs, and the rank is not drained by us and empty
  reader,          // drained ranks that are needed: the larger value was not read yet
  no_reader,       // ... or nothing was yet, and what a server before us said may still be acted on
  broker,          // drained ranks that are needed: no broker of a pod that stays
};

// To be done in this order: drain, publish, scale, undrain, and each to its end (the drain is acknowledged)
// before the next observation: whatever depends on an action is decided once its effect was seen.
struct ResizeActions {
  flux::IdSet drain;
  std::uint32_t publish = 0;  // 0 = nothing yet: no value is better than one made of nothing
  std::optional<std::uint32_t>
      scale;  // only where ResizePolicy::writes; with the version that `size` was read with
  flux::IdSet undrain;
  ResizeWait wait = ResizeWait::nothing;  // what stands between the size and `need`
  flux::IdSet waits_for;                  // the ranks it is about, if it is about ranks
};

// Why the size is not what is needed, or why drained ranks that are needed stay drained; "" when nothing
// waits.
[[nodiscard]] std::string to_sentence(const ResizeActions& actions);

class Resize {
 public:
  explicit Resize(ResizePolicy policy) : policy_(policy) {}

  // `seen.now` must not go backwards.
  //
  // - drain: every rank >= need, or >= what was handed out, that nobody drained, unborn ones too, save rank
  // 0;
  //   and ranks whose pod goes, until the broker of one that stays is online.
  // - publish: need. Less than before only when every rank that could leave is drained and was seen idle
  //   after that, and once in `shrink_every`. So every rank >= what is published is always drained.
  // - scale: likewise. Down only when the Job agrees with spec.size; up over a pod that terminates only when
  //   we drained its rank and it is empty, else up to that rank.
  // - undrain: ours, below need, below what is published and was handed out, below the size of spec and Job,
  //   where the broker online is that of a pod that stays.
  //
  // A new machine (after a start, however the last one ended) undrains nothing before a value was read from
  // it, and for `hold` gives nothing back: it publishes no less than the Job's size, or the ranks known. All
  // else that it needs to know is in the drains and their reasons, the size, the Job and the pods.
  [[nodiscard]] ResizeActions step(const ResizeObservation& seen);

 private:
  ResizePolicy policy_;
  std::optional<MonoTime> began_;
  std::uint32_t last_ = 0;  // the value in effect at the last step
  MonoTime fell_;           // when it was last seen to fall
};

// For a size that anybody asks for: what to drain first, and, observed anew after that, the smallest size not
// below `size` that takes no rank which is busy or could become so.
[[nodiscard]] flux::IdSet ranks_to_drain(const ResizeObservation& seen, std::uint32_t size);
[[nodiscard]] std::uint32_t smallest_safe_size(const ResizeObservation& seen, std::uint32_t size);

// For an orderly end, after which nothing is published: ranks of ours that no write takes away any more, so
// that they need not stay drained for nothing. `seen` as for step(), looked at after the last read;
// handed_out = nobody where no reader is left that could act. None on news that are not fresh.
[[nodiscard]] flux::IdSet ranks_to_undrain_at_end(const ResizeObservation& seen, const ResizePolicy& policy);

}  // namespace fluxmetrics::sizing
