// What is gathered about an HPA before anything is said about it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "explain/advice_input.hpp"
#include "instance/scheduler_findings.hpp"

namespace fluxmetrics::explain {

struct ExplainSubject {
  boost::json::object document = {};  // the HPA as it is written
  std::string name = {};
  AdviceInput input = {};
  std::vector<std::string> assumptions = {};               // sentences on what was not known
  std::vector<instance::SchedulerFinding> scheduler = {};  // about the instance that was asked
  std::vector<std::string> untold = {};  // metrics whose values nobody was asked for, nor gave
  std::map<std::string, std::string, std::less<>> written = {};  // scalars of a file, by their JSON pointer
  // Of an HPA that an API server refuses: what there would be to say of it, once that is mended.
  std::optional<AdviceInput> once_repaired = {};

  // kubectl apply refuses it as it is, whatever the release: nothing is foretold. A field that a later
  // release has is left out by clients that ask for less, and by people who come from there.
  [[nodiscard]] bool refused() const;
  [[nodiscard]] std::string written_at(std::string_view pointer) const;
};

// An HPA as an API server has it.
[[nodiscard]] Result<ExplainSubject> parse_subject(boost::json::object document);
// One that no API server has seen. Where it refuses it (input.refusal.final()), nothing but the document and
// the name is there: what cannot exist does nothing.
[[nodiscard]] Result<ExplainSubject> parse_new_subject(boost::json::object document,
                                                       hpa::KubernetesVersion version);

}  // namespace fluxmetrics::explain
