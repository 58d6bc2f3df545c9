#include "scaling/hpa_vectors.hpp"

#include <map>
#include <set>

#include <boost/json.hpp>

#include "base/text.hpp"
#include "scaling/hpa_controller.hpp"
#include "scaling/hpa_json.hpp"
#include "scaling/json_fields.hpp"

namespace fluxmetrics::scaling {
namespace json = boost::json;
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
  if (const auto resource = in["resource"]; resource.present()) {
    auto& usage = seen.resource.emplace();
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
  read_metrics(in, seen);
  if (const auto time = in["resourceTimestamp"]; time.present()) seen.resource_time_ms = time.time_ms();
  if (const auto window = in["resourceWindowSeconds"]; window.present()) {
    constexpr std::int64_t ms = 1000;
    seen.resource_window_ms = std::int64_t{window.int32()} * ms;
  }
  seen.faults = read_faults(step["faults"]);
  return seen;
}

// What the recording says about one sync.
struct Expected {
  std::vector<std::optional<std::int32_t>> proposals;
  std::optional<std::int32_t> raw;
  std::int32_t replicas = 0;
  std::map<std::string, std::pair<bool, std::string>> conditions;
  bool error = false;
};

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

Expected read_expected(const JsonField& step) {
  Expected expected;
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
  return expected;
}

std::string show(const std::optional<std::int32_t>& number) {
  return number ? std::to_string(*number) : "null";
}

std::string show(const std::vector<std::optional<std::int32_t>>& numbers) {
  std::string text;
  for (const auto& number : numbers)
    text += (text.empty() ? "" : ",") + show(number);
  return "[" + text + "]";
}

std::string show(const std::pair<bool, std::string>* condition) {
  if (condition == nullptr) return "none";
  return fmt::format("{} {}", condition->first ? "True" : "False", condition->second);
}

// One scenario: the state of the controller and of the HPA between the steps.
class Scenario {
 public:
  Scenario(const JsonField& line, std::size_t number, std::optional<KubernetesVersion> asked,
           VectorReport& report)
      : line_(number),
        name_(line["name"].text_or("")),
        spec_(read_hpa_spec(line.need("spec"))),
        controller_(read_flags(line["flags"]), read_platform(line, asked)),
        report_(report) {
    if (line["initialScaledToZero"].flag_or(false)) controller_.assume_scaled_to_zero(0);
  }

  void play(const JsonField& step) {
    const auto t = step.need("t").time_ms();
    if (step_ > 0 && t < last_ms_) step["t"].refuse("is before the step before it");
    last_ms_ = t;
    if (step["restartController"].flag_or(false)) controller_.restart();
    if (step["recreateHPA"].flag_or(false)) controller_.recreate();
    if (const auto spec = step["newSpec"]; spec.present()) spec_ = read_hpa_spec(spec);
    const auto seen = read_observation(step);
    const auto expected = read_expected(step);
    HpaDecision decision;
    decision.replicas = seen.spec_replicas;
    if (!step["noSync"].flag_or(false)) decision = controller_.sync(spec_, seen, t);
    compare(expected, decision);
    ++step_;
    ++report_.steps;
  }

 private:
  void differ(std::string field, std::string recorded, std::string decided) {
    report_.differences.push_back({.line = line_,
                                   .scenario = name_,
                                   .step = step_,
                                   .t_ms = last_ms_,
                                   .field = std::move(field),
                                   .recorded = std::move(recorded),
                                   .decided = std::move(decided)});
  }

  void compare(const Expected& expected, const HpaDecision& decision) {
    const auto before = report_.differences.size();
    if (expected.proposals != decision.proposals) {
      differ("proposals", show(expected.proposals), show(decision.proposals));
    }
    if (expected.raw != decision.raw) differ("raw", show(expected.raw), show(decision.raw));
    if (expected.replicas != decision.replicas) {
      differ("replicas", std::to_string(expected.replicas), std::to_string(decision.replicas));
    }
    compare_conditions(expected);
    const bool error = !decision.error.empty();
    if (expected.error != error) {
      differ("error", expected.error ? "true" : "false", error ? decision.error : "false");
    }
    if (report_.differences.size() > before) ++report_.different_steps;
  }

  void compare_conditions(const Expected& expected) {
    std::map<std::string, std::pair<bool, std::string>> decided;
    std::set<std::string> types;
    for (const auto& condition : controller_.status().conditions.list()) {
      decided[condition.type] = {condition.status, condition.reason};
      types.insert(condition.type);
    }
    for (const auto& [type, state] : expected.conditions)
      types.insert(type);
    const auto find = [](const auto& map, const std::string& type) {
      const auto found = map.find(type);
      return found == map.end() ? nullptr : &found->second;
    };
    for (const auto& type : types) {
      const auto a = show(find(expected.conditions, type));
      const auto b = show(find(decided, type));
      if (a != b) differ("cond." + printable(type, 60), a, b);
    }
  }

  std::size_t line_;
  std::string name_;
  HpaSpec spec_;
  HpaController controller_;
  VectorReport& report_;
  std::size_t step_ = 0;
  std::int64_t last_ms_ = 0;
};

void play_line(const std::string& text, std::size_t number, std::optional<KubernetesVersion> asked,
               VectorReport& report) {
  boost::system::error_code error;
  const auto document = json::parse(text, error);
  if (error) throw ShapeError{fmt::format("is not JSON: {}", error.message())};
  const JsonField line(&document, "");
  Scenario scenario(line, number, asked, report);
  for (const auto& step : line.need("steps").items())
    scenario.play(step);
  ++report.scenarios;
}

}  // namespace

Result<VectorReport> compare_vectors(std::istream& lines, std::optional<KubernetesVersion> version) {
  VectorReport report;
  std::string text;
  for (std::size_t number = 1; std::getline(lines, text); ++number) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      play_line(text, number, version, report);
    } catch (const ShapeError& wrong) {
      return fail(Code::invalid, "line {}: {}", number, wrong.sentence);
    }
  }
  return report;
}

}  // namespace fluxmetrics::scaling
