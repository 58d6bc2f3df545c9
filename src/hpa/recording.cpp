#include "hpa/recording.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "hpa/spec_json.hpp"
#include "kube/selector.hpp"

namespace fluxmetrics::hpa {
using kube::JsonField;
namespace {

constexpr KubernetesVersion recorded_without_version{36};

HpaFlags read_flags(const JsonField& field) {
  HpaFlags flags;
  if (!field.present()) return flags;
  const auto duration = [&](std::string_view name, std::int64_t& target) {
    if (const auto value = field[name]; value.present()) target = value.time_ms();
  };
  if (const auto tolerance = field["tolerance"]; tolerance.present()) flags.tolerance = tolerance.number();
  duration("downscaleStabilizationMillis", flags.downscale_window_ms);
  duration("cpuInitializationPeriodMillis", flags.cpu_initialization_ms);
  duration("initialReadinessDelayMillis", flags.readiness_delay_ms);
  return flags;
}

// What a scenario says of its version comes first, then what the caller says. Where nobody does: scenarios
// with gates, and without a version, are of the form in which 1.36.3 was recorded.
HpaPlatform read_platform(const JsonField& line, std::optional<KubernetesVersion> asked) {
  const auto gates = line["gates"];
  HpaPlatform platform{.version = gates.present() ? recorded_without_version : newest_kubernetes};
  if (asked) platform.version = *asked;
  if (const auto field = line["kubernetes"]; field.present()) {
    const auto version = parse_kubernetes_version(field.text());
    if (!version) field.refuse("cannot be used: " + version.error().message);
    platform.version = *version;
  }
  platform.gates = default_gates(platform.version);
  if (!gates.present()) return platform;
  for (const auto& [name, on] : gates.members()) {
    if (on.present()) set_gate(platform.gates, platform.version, name, on.flag_or(false));
  }
  return platform;
}

Resources read_resources(const JsonField& field) {
  Resources resources;
  for (const auto& [name, value] : field.members())
    resources[name] = value.quantity();
  return resources;
}

PodReady read_ready(const JsonField& field) {
  const auto text = field.text_or("");
  if (text == "True") return PodReady::yes;
  if (text == "False") return PodReady::no;
  if (text == "Unknown") return PodReady::unknown;
  if (!text.empty()) {
    field.refuse(
        fmt::format("is '{}', none of True, False, Unknown and the empty text", printable(text, 60)));
  }
  return PodReady::absent;
}

HpaPod read_pod(const JsonField& field) {
  HpaPod pod;
  pod.name = field.need("name").text();
  pod.phase = field.need("phase").text();
  pod.ready = read_ready(field["ready"]);
  if (const auto since = field["readyTransition"]; since.present()) pod.ready_since_ms = since.time_ms();
  pod.start_ms.reset();
  if (const auto start = field["startTime"]; start.present()) pod.start_ms = start.time_ms();
  pod.deleting = field["deleting"].flag_or(false);
  if (const auto labels = field["labels"]; labels.present()) {
    for (const auto& [key, value] : labels.members())
      pod.labels.emplace_back(key, value.text());
  }
  if (const auto requests = field["requests"]; requests.present()) {
    for (const auto& [container, resources] : requests.members())
      pod.requests.emplace_back(container, read_resources(resources));
  }
  if (const auto requests = field["podRequests"]; requests.present())
    pod.pod_requests = read_resources(requests);
  return pod;
}

void read_metrics(const JsonField& in, HpaObservation& seen) {
  if (const auto object = in["object"]; object.present()) {
    for (const auto& [metric, value] : object.members())
      seen.object[metric] = value.quantity();
  }
  if (const auto external = in["external"]; external.present()) {
    for (const auto& [metric, values] : external.members()) {
      auto& list = seen.external[metric];
      if (!values.present()) continue;
      for (const auto& value : values.items())
        list.push_back(value.quantity());
    }
  }
  if (const auto pods = in["podMetrics"]; pods.present()) {
    for (const auto& [metric, samples] : pods.members()) {
      auto& kept = seen.pod_metrics[metric];
      if (!samples.present()) continue;
      for (const auto& [pod, value] : samples.members())
        kept[pod] = value.present() ? std::optional(value.quantity()) : std::nullopt;
    }
  }
  auto& usage = seen.resource.emplace();  // the API is there, and answers a list without items
  if (const auto resource = in["resource"]; resource.present()) {
    for (const auto& [pod, containers] : resource.members()) {
      auto& by_container = usage[pod];
      if (!containers.present()) continue;
      for (const auto& [container, resources] : containers.members())
        by_container[container] = read_resources(resources);
    }
  }
}

HpaFaults read_faults(const JsonField& field) {
  HpaFaults faults;
  if (!field.present()) return faults;
  faults.get_scale = field["getScale"].text_or("");
  faults.update_scale = field["updateScale"].text_or("");
  faults.update_status = field["updateStatus"].text_or("");
  faults.object = field["objectErr"].text_or("");
  faults.external = field["externalErr"].text_or("");
  faults.pods = field["podsErr"].text_or("");
  faults.resource = field["resourceErr"].text_or("");
  faults.conflicts = field["conflicts"].maybe_int32().value_or(0);
  return faults;
}

// Which of `others` select a pod that `seen.selector` selects too. The pods of a scenario have the label
// app=x where it does not say others.
void read_rivals(const JsonField& others, HpaObservation& seen) {
  if (!others.present()) return;
  using Labels = std::vector<std::pair<std::string, std::string>>;
  const Labels usual{{"app", "x"}};
  std::vector<Labels> pods;
  if (seen.pods) {
    for (const auto& pod : *seen.pods)
      pods.push_back(pod.labels.empty() ? usual : pod.labels);
  } else if (seen.pods_listed > 0) {
    pods.push_back(usual);
  }
  const auto own = kube::Selector::parse(seen.selector);
  if (own) std::erase_if(pods, [&](const Labels& pod) { return !own->matches(pod); });
  for (const auto& other : others.items()) {
    const auto selector = other.need("selector");
    const auto parsed = kube::Selector::parse(selector.text());
    if (!parsed) selector.refuse("is no selector: " + parsed.error().message);
    auto name = other.need("name").text();
    if (std::ranges::any_of(pods, [&](const Labels& pod) { return parsed->matches(pod); }))
      seen.rivals.push_back(std::move(name));
  }
}

HpaObservation read_observation(const JsonField& step) {
  const auto in = step.need("in");
  HpaObservation seen;
  seen.spec_replicas = in.need("specReplicas").int32();
  seen.status_replicas = in["statusReplicas"].maybe_int32().value_or(0);
  seen.selector = in["selector"].text_or("");
  if (const auto listed = in["podsListed"]; listed.present()) seen.pods_listed = listed.int32();
  if (const auto ready = in["podsReady"]; ready.present()) seen.pods_ready = ready.int32();
  if (const auto pods = in["pods"]; pods.present()) {
    auto& list = seen.pods.emplace();
    for (const auto& pod : pods.items())
      list.push_back(read_pod(pod));
  }
  read_rivals(in["otherHPAs"], seen);
  read_metrics(in, seen);
  if (const auto time = in["resourceTimestamp"]; time.present()) seen.resource_time_ms = time.time_ms();
  if (const auto window = in["resourceWindowSeconds"]; window.present()) {
    constexpr std::int64_t ms = 1000;
    seen.resource_window_ms = std::int64_t{window.int32()} * ms;
  }
  seen.faults = read_faults(step["faults"]);
  return seen;
}

// The key must be there, though its value may be null.
void need_key(const JsonField& step, std::string_view name) {
  if (!step.value().is_object() || step.value().get_object().if_contains(name) == nullptr) {
    step[name].refuse("is missing");
  }
}

std::pair<bool, std::string> read_condition(const JsonField& state) {
  const auto parts = state.items();
  if (parts.size() != 2) state.refuse("is not a list of a status and a reason");
  const auto status = parts[0].text();
  if (status != "True" && status != "False") parts[0].refuse("is neither True nor False");
  return {status == "True", parts[1].text()};
}

RecordedTexts read_texts(const JsonField& step) {
  RecordedTexts texts;
  for (const auto& [type, message] : step["msg"].members())
    texts.messages[type] = message.text();
  if (const auto events = step["events"]; events.present()) {
    for (const auto& event : events.items())
      texts.events.push_back(event.text());
  }
  texts.error = step["errorText"].text_or("");
  return texts;
}

RecordedStatus read_status(const JsonField& field) {
  RecordedStatus status;
  status.current_replicas = field["currentReplicas"].maybe_int32().value_or(0);
  status.desired_replicas = field["desiredReplicas"].maybe_int32().value_or(0);
  if (const auto generation = field["generation"]; generation.present())
    status.generation = generation.integer();
  if (const auto observed = field["observedGeneration"]; observed.present())
    status.observed_generation = observed.integer();
  return status;
}

RecordedOutcome read_outcome(const JsonField& step) {
  RecordedOutcome expected;
  need_key(step, "raw");
  expected.raw = step["raw"].maybe_int32();
  expected.replicas = step.need("replicas").int32();
  need_key(step, "cond");
  if (const auto conditions = step["cond"]; conditions.present()) {
    for (const auto& [type, state] : conditions.members())
      expected.conditions[type] = read_condition(state);
  }
  if (const auto proposals = step["proposals"]; proposals.present()) {
    for (const auto& proposal : proposals.items())
      expected.proposals.push_back(proposal.maybe_int32());
  }
  expected.error = step["error"].flag_or(false);
  if (step["msg"].present()) expected.texts = read_texts(step);
  if (const auto status = step["status"]; status.present()) expected.status = read_status(status);
  return expected;
}

RecordedStep read_step(const JsonField& field) {
  RecordedStep step;
  step.t_ms = field.need("t").time_ms();
  step.restarts_controller = field["restartController"].flag_or(false);
  step.recreates_hpa = field["recreateHPA"].flag_or(false);
  step.syncs = !field["noSync"].flag_or(false);
  if (const auto spec = field["newSpec"]; spec.present()) step.new_spec = read_hpa_spec(spec);
  step.seen = read_observation(field);
  step.outcome = read_outcome(field);
  return step;
}

HpaChangeAt read_change(const JsonField& field) {
  HpaChangeAt change{.t_ms = field.need("t").time_ms()};
  const auto event = field.need("event").text();
  if (event == "create") {
    change.change = HpaChange::create;
  } else if (event == "edit") {
    change.change = HpaChange::edit;
  } else if (event == "annotate") {
    change.change = HpaChange::annotate;
  } else if (event == "delete") {
    change.change = HpaChange::remove;
  } else {
    field["event"].refuse(
        fmt::format("is '{}', none of create, edit, annotate and delete", printable(event, 60)));
  }
  change.hpa = field["hpa"].text_or(change.hpa);
  return change;
}

// A time that must not be below `least`.
std::int64_t read_span(const JsonField& field, std::int64_t least) {
  const auto span = field.time_ms();
  if (span < least) field.refuse(fmt::format("is {}, below {}", span, least));
  return span;
}

std::vector<std::int64_t> read_times(const JsonField& field) {
  std::vector<std::int64_t> times;
  for (const auto& time : field.items())
    times.push_back(time.time_ms());
  return times;
}

}  // namespace

RecordedScenario read_scenario(const JsonField& line, std::optional<KubernetesVersion> asked) {
  RecordedScenario scenario;
  scenario.name = line["name"].text_or("");
  scenario.spec = read_hpa_spec(line.need("spec"));
  scenario.flags = read_flags(line["flags"]);
  scenario.platform = read_platform(line, asked);
  scenario.scaled_to_zero = line["initialScaledToZero"].flag_or(false);
  for (const auto& field : line.need("steps").items()) {
    auto step = read_step(field);
    if (!scenario.steps.empty() && step.t_ms < scenario.steps.back().t_ms)
      field["t"].refuse("is before the step before it");
    scenario.steps.push_back(std::move(step));
  }
  return scenario;
}

RecordedTimeline read_timeline(const JsonField& line, std::optional<KubernetesVersion> asked) {
  // The recorded controllers looked whether their caches were filled every 100 ms, and then began.
  constexpr std::int64_t caches_filled_ms = 100;
  RecordedTimeline recorded;
  recorded.name = line["name"].text_or("");
  recorded.platform = read_platform(line, asked);
  auto& timing = recorded.timing;
  timing.start_ms = caches_filled_ms;
  if (const auto period = line["syncPeriodMillis"]; period.present()) timing.period_ms = read_span(period, 1);
  timing.sync_ms = read_span(line.need("metricLatencyMillis"), 0);
  auto& timeline = recorded.timeline;
  timeline.until_ms = line.need("until").time_ms();
  if (const auto existing = line["existing"]; existing.present()) {
    for (const auto& hpa : existing.items())
      timeline.existing.push_back(hpa.text());
  }
  for (const auto& field : line.need("timeline").items()) {
    auto change = read_change(field);
    if (!timeline.changes.empty() && change.t_ms < timeline.changes.back().t_ms)
      field["t"].refuse("is before the event before it");
    timeline.changes.push_back(std::move(change));
  }
  for (const auto& [hpa, times] : line.need("syncs").members())
    recorded.times.syncs[hpa] = read_times(times);
  if (const auto conflicts = line["statusConflicts"]; conflicts.present())
    recorded.times.status_conflicts = read_times(conflicts);
  return recorded;
}

}  // namespace fluxmetrics::hpa
