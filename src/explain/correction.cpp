#include "explain/correction.hpp"

#include <algorithm>

#include "explain/own_metrics.hpp"
#include "explain/repair.hpp"
#include "explain/verdict.hpp"

namespace fluxmetrics::explain {
namespace {

// The HPA `document` in the place of the subject's own: its target, pods and metrics are the same ones.
Result<ExplainSubject> in_its_place(const ExplainSubject& subject, boost::json::object document) {
  auto parsed = parse_new_subject(std::move(document), subject.input.forecast.platform.version);
  if (!parsed) return parsed;
  auto input = subject.input;
  input.refusal = parsed->input.refusal;
  input.forecast.spec = parsed->input.forecast.spec;
  // Metrics that it no longer names.
  std::erase_if(input.unknown_metrics, [&](const UnknownMetric& unknown) {
    return std::ranges::find(input.forecast.spec.metrics, unknown.name, &hpa::HpaMetric::name) ==
           input.forecast.spec.metrics.end();
  });
  input.repeated_fields.clear();
  input.forecast.follows_size = std::ranges::any_of(input.forecast.spec.metrics, counts_own_size);
  parsed->input = std::move(input);
  return parsed;
}

std::unexpected<Error> beyond_repair(const hpa::HpaRefusal& refusal) {
  std::string texts;
  for (const auto& finding : find_refusals(refusal))
    texts += (texts.empty() ? "" : "; ") + finding.text;
  return fail(Code::invalid, "this HPA cannot be corrected automatically: {}", texts);
}

}  // namespace

Result<Correction> correct(const ExplainSubject& subject) {
  auto base = subject;
  std::map<std::string, std::string> repairs;
  if (!subject.input.refusal.empty()) {
    auto repaired = repair_hpa(subject.document, subject.input.forecast.platform.version,
                               [&](std::string_view pointer) { return subject.written_at(pointer); });
    if (!repaired) return beyond_repair(subject.input.refusal);
    repairs = std::move(repaired->changes);
    auto taken = parse_new_subject(std::move(repaired->document), subject.input.forecast.platform.version);
    if (!taken) return std::unexpected(taken.error());
    if (subject.input.refusal.final()) {
      base = *std::move(taken);
      if (subject.once_repaired) base.input = *subject.once_repaired;
    } else {
      base.document = taken->document;
      base.input.refusal = {};
    }
  }
  Correction correction{.hpa = fix_hpa(base.document, base.input)};
  correction.hpa.changes.merge(repairs);
  const auto corrected = in_its_place(base, correction.hpa.document);
  if (!corrected) return std::unexpected(corrected.error());
  if (corrected->input.refusal.final()) return beyond_repair(corrected->input.refusal);
  correction.left = remaining_faults(corrected->input);
  return correction;
}

}  // namespace fluxmetrics::explain
