#include "commands/plan_hpa.hpp"

#include <fmt/ranges.h>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "explain/advice.hpp"
#include "explain/file_subject.hpp"
#include "explain/own_metrics.hpp"

namespace fluxmetrics::commands {
namespace {

std::string file_text(const std::string& file) {
  return file == "-" ? "standard input" : file;
}

std::unexpected<Error> refused_hpa(const std::string& file, const explain::ExplainSubject& subject) {
  std::vector<std::string> sentences;
  for (const auto& finding : explain::find_refusals(subject.input.refusal))
    sentences.push_back(finding.text);
  return fail(Code::invalid, "{}: {}; flux-metrics-api explain {} tells more", file_text(file),
              fmt::join(sentences, "; "), file);
}

// One line each.
void tell_faults(const std::string& file, explain::ExplainSubject& subject, const OwnHpas& own) {
  const auto& spec = subject.input.forecast.spec;
  const auto& name = subject.name;
  if (!explain::targets_minicluster(spec)) {
    log::warning("HPA {} scales {} {}: it is played as if that were the MiniCluster", name,
                 printable(spec.target.kind), printable(spec.target.name));
  }
  if (spec.min == 0)
    log::warning("HPA {} has minReplicas 0: a MiniCluster has no such size, 1 is played instead", name);
  auto& seen = subject.input.forecast.seen;
  seen.spec_replicas = seen.status_replicas = static_cast<std::int32_t>(own.min);
  seen.pods_listed = seen.pods_ready = seen.spec_replicas;
  seen.selector = "app=target";
  subject.input.max_size = static_cast<std::int32_t>(own.max);
  std::size_t faults = 0;
  for (const auto& finding : explain::find_faults(subject.input)) {
    if (finding.severity != explain::Severity::fault) continue;
    log::warning("HPA {}: {} ({})", name, finding.text.substr(0, finding.text.find('\n')), finding.id);
    ++faults;
  }
  if (faults > 0) log::info("flux-metrics-api explain {} tells more of HPA {}", file, name);
}

}  // namespace

Result<std::vector<plan::PlanStrategy>> own_strategies(const OwnHpas& own,
                                                       std::span<const plan::PlanStrategy> others) {
  std::vector<plan::PlanStrategy> known(others.begin(), others.end());
  for (const auto& file : own.files) {
    auto read = explain::read_file_subject(file, own.kubernetes);
    if (!read) return std::unexpected(read.error());
    auto& subject = read->subject;
    if (subject.refused()) return refused_hpa(file, subject);
    auto strategy =
        plan::hpa_strategy(plan::unique_name(subject.name, known), subject.input.forecast.spec, own.queues);
    if (!strategy) {
      return fail(strategy.error().code, "{}: the HPA {} cannot be played: {}", file_text(file), subject.name,
                  strategy.error().message);
    }
    tell_faults(file, subject, own);
    known.push_back(std::move(*strategy));
  }
  known.erase(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(others.size()));
  return known;
}

}  // namespace fluxmetrics::commands
