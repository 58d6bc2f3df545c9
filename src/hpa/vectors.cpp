#include "hpa/vectors.hpp"

#include <algorithm>
#include <array>
#include <fmt/ranges.h>
#include <map>
#include <set>

#include <boost/json.hpp>

#include "base/byte_order_mark.hpp"
#include "base/text.hpp"
#include "hpa/controller.hpp"
#include "hpa/recording.hpp"
#include "kube/fields.hpp"

namespace fluxmetrics::hpa {
using kube::JsonField;
using kube::ShapeError;
namespace json = boost::json;
namespace {

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

std::string show(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "none";
}

std::string show(const std::string* text) {
  return text == nullptr ? "none" : *text;
}

// From 1.37 on a controller that finds too many HPAs names any two of them.
bool same_but_for_names(const std::string& recorded, const std::string& decided,
                        const std::set<std::string>& known) {
  constexpr std::string_view before = "are controlled by more than one HPA (e.g. [";
  const auto split = [&](std::string_view text) {
    const auto begin = text.find(before);
    const auto list = begin == std::string_view::npos ? begin : begin + before.size();
    const auto end = list == std::string_view::npos ? list : text.find(']', list);
    std::array<std::string_view, 3> parts;
    if (end != std::string_view::npos)
      parts = {text.substr(0, list), text.substr(list, end - list), text.substr(end)};
    return parts;
  };
  const auto a = split(recorded);
  const auto b = split(decided);
  if (a[0].empty() || a[0] != b[0] || a[2] != b[2]) return false;
  const auto space = a[1].find(' ');
  if (space == std::string_view::npos) return false;
  const std::string first(a[1].substr(0, space));
  const std::string second(a[1].substr(space + 1));
  return first != second && known.contains(first) && known.contains(second);
}

// Calls `take` with each key of either map and the values there; null where it has none.
template <class Map, class Take>
void each_key(const Map& recorded, const Map& decided, const Take& take) {
  std::set<std::string> keys;
  for (const auto* map : {&recorded, &decided}) {
    for (const auto& [key, value] : *map)
      keys.insert(key);
  }
  const auto find = [](const Map& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  };
  for (const auto& key : keys)
    take(key, find(recorded, key), find(decided, key));
}

// The controller and the HPA between the steps of one scenario.
class Play {
 public:
  Play(const RecordedScenario& scenario, std::size_t line, VectorReport& report)
      : line_(line),
        scenario_(scenario),
        spec_(scenario.spec),
        controller_(scenario.flags, scenario.platform, hpa),
        report_(report) {
    if (scenario.scaled_to_zero) controller_.assume_scaled_to_zero(0);
  }

  void run() {
    for (; step_ < scenario_.steps.size(); ++step_)
      play(scenario_.steps[step_]);
  }

 private:
  // What the recorder calls the HPA.
  inline static const HpaName hpa{.namespace_ = "default", .name = "hpa"};

  void play(const RecordedStep& step) {
    if (step.restarts_controller) controller_.restart();
    if (step.new_spec) {
      spec_ = *step.new_spec;
      controller_.edited();
    }
    if (step.recreates_hpa) controller_.recreate();
    HpaDecision decision;
    decision.replicas = step.seen.spec_replicas;
    if (step.syncs) decision = controller_.sync(spec_, step.seen, step.t_ms);
    compare(step, decision);
    ++report_.steps;
  }

  void differ(std::string field, std::string recorded, std::string decided) {
    report_.differences.push_back({.line = line_,
                                   .scenario = scenario_.name,
                                   .step = step_,
                                   .t_ms = scenario_.steps[step_].t_ms,
                                   .field = std::move(field),
                                   .recorded = std::move(recorded),
                                   .decided = std::move(decided)});
  }

  template <class Value>
  void compare(std::string field, const Value& recorded, const Value& decided) {
    if (recorded != decided) differ(std::move(field), show(recorded), show(decided));
  }
  void compare(std::string field, std::int32_t recorded, std::int32_t decided) {
    compare(std::move(field), std::optional(recorded), std::optional(decided));
  }

  void compare(const RecordedStep& step, const HpaDecision& decision) {
    const auto& recorded = step.outcome;
    const auto before = report_.differences.size();
    compare("proposals", recorded.proposals, decision.proposals);
    compare("raw", recorded.raw, decision.raw);
    compare("replicas", recorded.replicas, decision.replicas);
    compare_conditions(recorded);
    const bool error = !decision.error.empty();
    if (recorded.error != error) {
      differ("error", recorded.error ? "true" : "false", error ? decision.error : "false");
    }
    if (recorded.status) compare_status(*recorded.status);
    if (recorded.texts) compare_texts(*recorded.texts, step, decision);
    if (report_.differences.size() > before) ++report_.different_steps;
  }

  void compare_conditions(const RecordedOutcome& recorded) {
    std::map<std::string, std::pair<bool, std::string>> decided;
    for (const auto& condition : controller_.status().conditions.list())
      decided[condition.type] = {condition.status, condition.reason};
    each_key(recorded.conditions, decided, [&](const std::string& type, const auto* a, const auto* b) {
      if (show(a) != show(b)) differ("cond." + printable(type, 60), show(a), show(b));
    });
  }

  void compare_status(const RecordedStatus& recorded) {
    const auto& status = controller_.status();
    compare("status.currentReplicas", recorded.current_replicas, status.current_replicas);
    compare("status.desiredReplicas", recorded.desired_replicas, status.desired_replicas);
    if (recorded.generation)
      compare("status.generation", recorded.generation, std::optional(controller_.generation()));
    compare("status.observedGeneration", recorded.observed_generation, status.observed_generation);
  }

  void compare_texts(const RecordedTexts& recorded, const RecordedStep& step, const HpaDecision& decision) {
    std::set<std::string> names{fmt::format("{}/{}", hpa.namespace_, hpa.name)};
    for (const auto& rival : step.seen.rivals)
      names.insert(fmt::format("{}/{}", hpa.namespace_, rival));
    const auto same = [&](const std::string& a, const std::string& b) {
      return a == b || same_but_for_names(a, b, names);
    };
    std::map<std::string, std::string> decided;
    for (const auto& condition : controller_.status().conditions.list())
      decided[condition.type] = condition.message;
    each_key(recorded.messages, decided, [&](const std::string& type, const auto* a, const auto* b) {
      if (a == nullptr || b == nullptr || !same(*a, *b))
        differ("msg." + printable(type, 60), show(a), show(b));
    });
    std::vector<std::string> events;
    for (const auto& event : decision.events)
      events.push_back(
          fmt::format("{} {} {}", event.warning ? "Warning" : "Normal", event.reason, event.message));
    if (!std::ranges::equal(recorded.events, events, same))
      differ("events", fmt::format("{}", fmt::join(recorded.events, "; ")),
             fmt::format("{}", fmt::join(events, "; ")));
    if (!same(recorded.error, decision.error)) differ("errorText", recorded.error, decision.error);
  }

  std::size_t line_;
  const RecordedScenario& scenario_;
  HpaSpec spec_;
  HpaController controller_;
  VectorReport& report_;
  std::size_t step_ = 0;
};

std::string show(const std::vector<std::int64_t>& times) {
  return fmt::format("[{}]", fmt::join(times, ","));
}

// A difference stands at the first sync that is another one, or is missing.
void play_timeline(const RecordedTimeline& recorded, std::size_t number, VectorReport& report) {
  const auto played = sync_times(recorded.timeline, recorded.timing, recorded.platform);
  const auto before = report.differences.size();
  const auto compare = [&](std::string field, const std::vector<std::int64_t>& a,
                           const std::vector<std::int64_t>& b) {
    if (a == b) return;
    const auto [x, y] = std::ranges::mismatch(a, b);
    report.differences.push_back({.line = number,
                                  .scenario = recorded.name,
                                  .step = static_cast<std::size_t>(x - a.begin()),
                                  .t_ms = x != a.end() ? *x : *y,
                                  .field = std::move(field),
                                  .recorded = show(a),
                                  .decided = show(b)});
  };
  each_key(recorded.times.syncs, played.syncs, [&](const std::string& hpa, const auto* a, const auto* b) {
    const std::vector<std::int64_t> none;
    compare("syncs." + printable(hpa, 60), a == nullptr ? none : *a, b == nullptr ? none : *b);
    report.steps += a == nullptr ? 0 : a->size();
  });
  compare("statusConflicts", recorded.times.status_conflicts, played.status_conflicts);
  report.different_steps += report.differences.size() - before;
}

void play_line(const std::string& text, std::size_t number, std::optional<KubernetesVersion> asked,
               VectorReport& report) {
  boost::system::error_code error;
  const auto document = json::parse(text, error);
  if (error) throw ShapeError{fmt::format("is not JSON: {}", error.message())};
  const JsonField line(&document, "");
  if (line["timeline"].present()) {
    play_timeline(read_timeline(line, asked), number, report);
  } else {
    const auto scenario = read_scenario(line, asked);
    Play(scenario, number, report).run();
  }
  ++report.scenarios;
}

}  // namespace

Result<VectorReport> compare_vectors(std::istream& lines, std::optional<KubernetesVersion> version) {
  VectorReport report;
  std::string text;
  for (std::size_t number = 1; std::getline(lines, text); ++number) {
    if (number == 1) text = without_byte_order_mark(text);
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      play_line(text, number, version, report);
    } catch (const ShapeError& wrong) {
      return fail(Code::invalid, "line {}: {}", number, wrong.sentence);
    }
  }
  return report;
}

}  // namespace fluxmetrics::hpa
