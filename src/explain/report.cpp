#include "explain/report.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "base/plural.hpp"
#include "explain/correction.hpp"
#include "explain/words.hpp"

namespace fluxmetrics::explain {
namespace json = boost::json;
namespace {

constexpr std::size_t most_rows = 16;
constexpr std::size_t most_steps = 40;

std::string range_text(const hpa::ValueRange& range) {
  const auto number = [](std::int64_t milli) { return plain_number(milli); };
  if (range.above && range.upto)
    return fmt::format("over {} up to {}", number(*range.above), number(*range.upto));
  if (range.upto) return fmt::format("up to {}", number(*range.upto));
  if (range.above) return fmt::format("over {}", number(*range.above));
  return "any";
}

std::string target_name(const ExplainSubject& subject) {
  const auto& target = subject.input.forecast.spec.target;
  return fmt::format("{} {}", target.kind.empty() ? "its target" : target.kind, target.name);
}

bool is_untold(const ExplainReport& report, const hpa::HpaMetric& metric) {
  return std::ranges::find(report.subject.untold, metric.name) != report.subject.untold.end();
}

constexpr std::string_view untold_value = "is not known";

void add_metrics(std::string& out, const ExplainReport& report) {
  const auto& forecast = report.subject.input.forecast;
  out += "\nMetrics, at the first sync\n";
  const auto& decision = report.steps.front().decision;
  for (std::size_t i = 0; i < forecast.spec.metrics.size(); ++i) {
    const auto& metric = forecast.spec.metrics[i];
    out += fmt::format("  {}\n", describe_metric(metric));
    if (is_untold(report, metric)) {
      out += fmt::format("    {}\n", untold_value);
    } else if (i < decision.metrics.size()) {
      out += fmt::format("    {}\n", describe_proposal(metric, decision.metrics[i], forecast));
    } else {
      out += "    is not read\n";
    }
  }
}

// "   300 s", or the bounds where only the controller knows how much of a window is left.
std::string when(const hpa::ForecastStep& step) {
  const auto seconds = [](std::int64_t ms) { return (ms + 500) / 1000; };
  if (!step.earliest_ms) return fmt::format("  {:>6} s  ", seconds(step.at_ms));
  return fmt::format("  within {} s, at the earliest in {} s: ", seconds(step.at_ms),
                     seconds(*step.earliest_ms));
}

void add_steps(std::string& out, const ExplainReport& report) {
  const auto& forecast = report.subject.input.forecast;
  const auto& untold = report.subject.untold;
  if (!untold.empty()) {
    out += fmt::format("\nWhat happens\n  depends on {}, which {}\n", fmt::join(untold, ", "), untold_value);
    return;
  }
  out += fmt::format(
      "\nWhat happens on Kubernetes {}{}\n", to_string(forecast.platform.version),
      forecast.follows_size ? ", if the metric follows the size" : ", if the metrics stay as they are");
  for (std::size_t i = 0; i < std::min(report.steps.size(), most_steps); ++i) {
    const auto& step = report.steps[i];
    // What the next one can do at once, this one may not be able to hold.
    const bool doubtful = i + 1 < report.steps.size() && report.steps[i + 1].earliest_ms == step.at_ms;
    out +=
        fmt::format("{}{}{}\n", when(step), describe_step(forecast.spec, forecast.flags, step),
                    doubtful ? ", unless no recommendation within the window holds it back any longer" : "");
  }
  for (const auto& step : report.steps) {
    if (!step.earliest_ms) continue;
    out += fmt::format(
        "  (only the controller knows how much of the window has passed; {} recommendation within it counts, "
        "so the size may be {} for a while)\n",
        step.decision.replicas > step.before ? "the lowest" : "the highest",
        step.decision.replicas > step.before ? "lower" : "higher");
    break;
  }
  if (report.steps.size() > most_steps) {
    out += fmt::format("  and {} changes more\n", report.steps.size() - most_steps);
  }
}

void add_values(std::string& out, const ExplainReport& report) {
  const auto& forecast = report.subject.input.forecast;
  for (std::size_t i = 0; i < report.values.size(); ++i) {
    if (report.values[i].empty()) continue;
    out += fmt::format("\nFrom {}, {} leads to\n", counted(forecast.seen.spec_replicas, "replica"),
                       forecast.spec.metrics[i].name);
    for (const auto& range : report.values[i])
      out += fmt::format("  size {:>5}: {}\n", range.size, range_text(range));
  }
}

// Indented as far as the text of a finding's first line.
std::string further_lines(std::string_view text) {
  std::string out;
  for (;;) {
    const auto end = text.find('\n');
    out += fmt::format("{:11}{}\n", "", text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

json::value maybe(const std::optional<std::int32_t>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::value maybe_milli(const std::optional<std::int64_t>& milli) {
  return milli ? json::value(static_cast<double>(*milli) / 1000) : json::value(nullptr);
}

json::array metrics_json(const ExplainReport& report) {
  const auto& forecast = report.subject.input.forecast;
  json::array list;
  if (report.steps.empty()) return list;
  const auto& decision = report.steps.front().decision;
  for (std::size_t i = 0; i < forecast.spec.metrics.size(); ++i) {
    const auto& metric = forecast.spec.metrics[i];
    json::array values;
    for (const auto& range : report.values[i]) {
      values.push_back(json::object{
          {"size", range.size}, {"above", maybe_milli(range.above)}, {"upTo", maybe_milli(range.upto)}});
    }
    json::object entry{{"name", metric.name}, {"type", metric.type}, {"text", describe_metric(metric)}};
    entry["known"] = !is_untold(report, metric);
    entry["proposal"] = i < decision.proposals.size() ? maybe(decision.proposals[i]) : json::value(nullptr);
    const bool read = i < decision.metrics.size();
    if (read && decision.metrics[i] && std::isfinite(decision.metrics[i]->ratio)) {
      entry["ratio"] = decision.metrics[i]->ratio;
      entry["withinTolerance"] = decision.metrics[i]->within;
    }
    entry["why"] = is_untold(report, metric) ? std::string(untold_value)
                   : read                    ? describe_proposal(metric, decision.metrics[i], forecast)
                                             : "is not read";
    entry["values"] = std::move(values);
    list.push_back(std::move(entry));
  }
  return list;
}

json::object step_json(const ExplainReport& report, const hpa::ForecastStep& step) {
  const auto& forecast = report.subject.input.forecast;
  json::object conditions;
  for (const auto& condition : step.conditions.list()) {
    conditions[condition.type] = json::object{{"status", condition.status ? "True" : "False"},
                                              {"reason", condition.reason},
                                              {"message", condition.message}};
  }
  json::array events;
  for (const auto& event : step.decision.events) {
    events.push_back(json::object{{"type", event.warning ? "Warning" : "Normal"},
                                  {"reason", event.reason},
                                  {"message", event.message}});
  }
  return {{"seconds", static_cast<double>(step.at_ms) / 1000},
          {"earliestSeconds", static_cast<double>(step.earliest_ms.value_or(step.at_ms)) / 1000},
          {"from", step.before},
          {"to", step.decision.replicas},
          {"raw", maybe(step.decision.raw)},
          {"stabilised", maybe(step.decision.stabilised)},
          {"why", describe_step(forecast.spec, forecast.flags, step)},
          {"conditions", std::move(conditions)},
          {"events", std::move(events)}};
}

void add_correction(ExplainReport& report) {
  const auto correction = correct(report.subject);
  if (!correction || correction->hpa.changes.empty()) return;
  report.better = fixed_yaml(correction->hpa);
  for (const auto& finding : correction->left)
    if (finding.severity == Severity::fault) report.left.push_back(finding.text);
}

void play(ExplainReport& report, Seconds span) {
  const auto& forecast = report.subject.input.forecast;
  constexpr double a_week = 604'800;
  report.steps =
      hpa::play_forward(forecast, static_cast<std::int64_t>(std::min(span.count(), a_week) * 1000));
  // Where no metric leads anywhere, nothing is said of where its values lead.
  const auto path = report.steps.front().decision.path;
  const bool idle = path == hpa::HpaPath::no_scale || path == hpa::HpaPath::disabled;
  report.values.resize(forecast.spec.metrics.size());
  for (std::size_t i = 0; i < forecast.spec.metrics.size() && !idle; ++i)
    report.values[i] = hpa::values_for_sizes(forecast, i, most_rows);
}

std::string findings_text(const ExplainReport& report) {
  std::string out = report.findings.empty() ? "\nNothing is wrong with it.\n" : "\nFindings\n";
  for (const auto& finding : report.findings) {
    // The id before the rest of a text of several lines.
    const auto first = finding.text.find('\n');
    out += fmt::format("  {:<8} {} ({})\n", fmt::format("{}:", to_string(finding.severity)),
                       finding.text.substr(0, first), finding.id);
    if (first != std::string::npos) out += further_lines(std::string_view(finding.text).substr(first + 1));
  }
  if (report.better.empty()) return out;
  // Only what was played forward and does what it is for is called corrected.
  out += report.left.empty() ? "\nCorrected HPA (print only this with --fix)\n"
                             : "\nCorrected in part (print only this with --fix); what remains:\n";
  for (const auto& text : report.left)
    out += fmt::format("  {}\n", text);
  return out + "\n" + report.better;
}

}  // namespace

ExplainReport make_report(const ExplainSubject& subject, Seconds span) {
  ExplainReport report{.subject = subject};
  if (subject.input.refusal.final()) {
    report.findings = find_refusals(subject.input.refusal);
    add_correction(report);
    return report;
  }
  if (!subject.refused()) play(report, span);
  report.findings = find_faults(subject.input);
  // Where something else than the HPA's text keeps it from scaling, no text is one that scales.
  const bool faulty = std::ranges::any_of(
      report.findings, [](const Finding& finding) { return finding.severity == Severity::fault; });
  const bool elsewhere = std::ranges::any_of(report.findings, &Finding::elsewhere);
  // No HPA mends these.
  for (const auto& finding : subject.scheduler)
    report.findings.push_back({.id = finding.id, .severity = Severity::warning, .text = text_of(finding)});
  if (faulty && !elsewhere) add_correction(report);
  return report;
}

std::string report_text(const ExplainReport& report) {
  const auto& subject = report.subject;
  if (subject.input.refusal.final()) {
    return fmt::format("HPA {}: the API server of Kubernetes {} refuses it, so it does nothing\n{}",
                       subject.name, to_string(subject.input.forecast.platform.version),
                       findings_text(report));
  }
  const auto& forecast = subject.input.forecast;
  auto out = fmt::format("HPA {} of {}: {} to {}; ", subject.name, target_name(subject), forecast.spec.min,
                         counted(forecast.spec.max, "replica"));
  if (!report.steps.empty() && report.steps.front().decision.path == hpa::HpaPath::no_scale) {
    out += "its scale cannot be read\n";
  } else {
    out += fmt::format("now {}, its status says {}, {} {} ready\n", forecast.seen.spec_replicas,
                       forecast.seen.status_replicas, counted(forecast.seen.pods_ready, "pod"),
                       forecast.seen.pods_ready == 1 ? "is" : "are");
  }
  for (const auto& assumption : subject.assumptions)
    out += fmt::format("  ({})\n", assumption);
  if (report.steps.empty()) {
    out += "\nkubectl apply refuses it as it is, so there is no forecast\n";
  } else {
    add_metrics(out, report);
    add_steps(out, report);
    add_values(out, report);
  }
  return out + findings_text(report);
}

json::value report_json(const ExplainReport& report) {
  const auto& subject = report.subject;
  const auto& forecast = subject.input.forecast;
  const bool refused = subject.input.refusal.final();
  json::array steps;
  if (subject.untold.empty()) {
    for (const auto& step : report.steps)
      steps.push_back(step_json(report, step));
  }
  json::array findings;
  for (const auto& finding : report.findings) {
    json::object entry{{"id", finding.id}, {"severity", to_string(finding.severity)}, {"text", finding.text}};
    if (!finding.reason.empty()) {
      entry["field"] = finding.field;
      entry["reason"] = finding.reason;
    }
    findings.push_back(std::move(entry));
  }
  json::array assumptions;
  for (const auto& assumption : subject.assumptions)
    assumptions.push_back(json::value(assumption));
  json::array left;
  for (const auto& text : report.left)
    left.push_back(json::value(text));
  if (refused) {
    return json::object{{"format", "flux-metrics-api.explain/1"},
                        {"name", subject.name},
                        {"kubernetes", to_string(forecast.platform.version)},
                        {"refused", true},
                        {"assumptions", json::array()},
                        {"metrics", json::array()},
                        {"steps", json::array()},
                        {"findings", std::move(findings)},
                        {"better", report.better.empty() ? json::value(nullptr) : json::value(report.better)},
                        {"remaining", std::move(left)}};
  }
  return json::object{{"format", "flux-metrics-api.explain/1"},
                      {"name", subject.name},
                      {"target", target_name(subject)},
                      {"kubernetes", to_string(forecast.platform.version)},
                      {"refused", subject.refused()},
                      {"minReplicas", forecast.spec.min},
                      {"maxReplicas", forecast.spec.max},
                      {"replicas", forecast.seen.spec_replicas},
                      {"statusReplicas", forecast.seen.status_replicas},
                      {"readyPods", forecast.seen.pods_ready},
                      {"assumptions", std::move(assumptions)},
                      {"metrics", metrics_json(report)},
                      {"steps", std::move(steps)},
                      {"findings", std::move(findings)},
                      {"better", report.better.empty() ? json::value(nullptr) : json::value(report.better)},
                      {"remaining", std::move(left)}};
}

}  // namespace fluxmetrics::explain
