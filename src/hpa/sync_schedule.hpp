// When the HPA controller syncs its HPAs: its work queue, played event by event under a clock that is set by
// hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hpa/kubernetes_version.hpp"

namespace fluxmetrics::hpa {

struct SyncTiming {
  std::int64_t period_ms = 15'000;  // --horizontal-pod-autoscaler-sync-period
  std::int64_t sync_ms = 20;        // how long a sync takes, most of it waiting for metrics
  std::int64_t start_ms = 0;        // when the controller begins to work
  std::size_t workers = 5;          // --concurrent-horizontal-pod-autoscaler-syncs
};

enum class HpaChange {
  create,
  edit,      // of its spec
  annotate,  // or anything else that leaves its spec alone
  remove,
};

struct HpaChangeAt {
  std::int64_t t_ms = 0;
  HpaChange change = HpaChange::create;
  std::string hpa = "a";
};

struct HpaTimeline {
  std::vector<std::string> existing = {};  // HPAs that are there before the controller starts
  std::vector<HpaChangeAt> changes = {};   // in the order of their time
  std::int64_t until_ms = 0;               // syncs that begin later are left out
};

struct SyncTimes {
  std::map<std::string, std::vector<std::int64_t>> syncs = {};  // by HPA: when each begins
  // Writes of a status that the API server answers with 409, as the HPA was changed during the sync.
  std::vector<std::int64_t> status_conflicts = {};
};

// Kubernetes 1.37 syncs an HPA at once when it appears, when the controller starts, and with HPAGeneration
// when its spec was edited; older releases wait for a period each time. Every release comes back a period
// after a sync has ended, or after any other news of the HPA; a time that is set already stays when a later
// one is asked for, so that the extra syncs do not move the others. What comes during a sync is done after
// it. Not played: in a cluster the controller also gets every HPA anew each period, which with metrics that
// take seconds can make a later sync come earlier. Source: horizontal.go of Kubernetes 1.27 to 1.37, and the
// work queue of client-go.
[[nodiscard]] SyncTimes sync_times(const HpaTimeline& timeline, const SyncTiming& timing,
                                   const HpaPlatform& platform);

}  // namespace fluxmetrics::hpa
