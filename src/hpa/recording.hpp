// A line of recorded decisions of an HPA controller: a scenario, what the controller read at each sync, and
// what came of it. docs/plan.md describes the form.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hpa/kubernetes_version.hpp"
#include "hpa/observation.hpp"
#include "hpa/spec.hpp"
#include "hpa/sync_schedule.hpp"
#include "kube/fields.hpp"

namespace fluxmetrics::hpa {

// Only the newer recordings have texts: a step that has messages of conditions has all of these.
struct RecordedTexts {
  std::map<std::string, std::string> messages = {};  // of the conditions after the sync, by type
  std::vector<std::string> events = {};              // "TYPE REASON MESSAGE"
  std::string error = {};                            // what the sync returned; "" = nothing
};

struct RecordedStatus {
  std::int32_t current_replicas = 0;
  std::int32_t desired_replicas = 0;
  std::optional<std::int64_t> generation = {};  // metadata.generation
  std::optional<std::int64_t> observed_generation = {};
};

struct RecordedOutcome {
  std::vector<std::optional<std::int32_t>> proposals = {};
  std::optional<std::int32_t> raw = {};
  std::int32_t replicas = 0;
  std::map<std::string, std::pair<bool, std::string>> conditions = {};  // type -> status and reason
  bool error = false;
  std::optional<RecordedTexts> texts = {};
  std::optional<RecordedStatus> status = {};
};

struct RecordedStep {
  std::int64_t t_ms = 0;
  bool restarts_controller = false;
  bool recreates_hpa = false;
  bool syncs = true;
  std::optional<HpaSpec> new_spec = {};
  HpaObservation seen = {};
  RecordedOutcome outcome = {};
};

struct RecordedScenario {
  std::string name = {};
  HpaSpec spec = {};
  HpaFlags flags = {};
  HpaPlatform platform = {};
  bool scaled_to_zero = false;  // the HPA's status says so before the first sync
  std::vector<RecordedStep> steps = {};
};

// `asked`: the version for a scenario that names none. Where nobody says one, a scenario with gates is played
// on 1.36, as the recordings of 1.36.3 have gates and no version, and one without on the newest. Throws
// kube::ShapeError.
[[nodiscard]] RecordedScenario read_scenario(const kube::JsonField& line,
                                             std::optional<KubernetesVersion> asked);

// When a controller synced which HPA, instead of what it decided: a line with `timeline` and without `steps`.
struct RecordedTimeline {
  std::string name = {};
  HpaPlatform platform = {};
  SyncTiming timing = {};
  HpaTimeline timeline = {};
  SyncTimes times = {};
};

// Throws kube::ShapeError.
[[nodiscard]] RecordedTimeline read_timeline(const kube::JsonField& line,
                                             std::optional<KubernetesVersion> asked);

}  // namespace fluxmetrics::hpa
