// `explain`: what is gathered about an HPA before anything is said about it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/yaml.hpp"
#include "commands/options.hpp"
#include "instance/scheduler_findings.hpp"
#include "scaling/hpa_advice.hpp"

namespace fluxmetrics::commands {

struct ExplainSubject {
  boost::json::object document = {};  // the HPA as it is written
  std::string name = {};
  scaling::AdviceInput input = {};
  std::vector<std::string> assumptions = {};               // sentences on what was not known
  std::vector<instance::SchedulerFinding> scheduler = {};  // about the instance that was asked
  std::vector<std::string> untold = {};  // metrics whose values nobody was asked for, nor gave
  std::map<std::string, std::string, std::less<>> written = {};  // scalars of a file, by their JSON pointer
  // Of an HPA that an API server refuses: what there would be to say of it, once that is mended.
  std::optional<scaling::AdviceInput> once_repaired = {};

  // kubectl apply refuses it as it is, whatever the release: nothing is foretold. A field that a later
  // release has is left out by clients that ask for less, and by people who come from there.
  [[nodiscard]] bool refused() const;
  [[nodiscard]] std::string written_at(std::string_view pointer) const;
};

struct HpaFile {
  // How the scalars of the document are written, by JSON pointer.
  std::map<std::string, YamlPlace, std::less<>> places = {};
  boost::json::object document = {};
  std::vector<scaling::RepeatedField> repeated = {};
  std::vector<boost::json::object> others = {};  // what else the file holds: the target, perhaps
};
// The HPA's document (autoscaling/v2). Errors: Code::invalid or io.
[[nodiscard]] Result<HpaFile> read_hpa_file(const std::string& path);
// An HPA as an API server has it.
[[nodiscard]] Result<ExplainSubject> parse_subject(boost::json::object document);
// One that no API server has seen. Where it refuses it (input.refusal.final()), nothing but the document and
// the name is there: what cannot exist does nothing.
[[nodiscard]] Result<ExplainSubject> parse_new_subject(boost::json::object document,
                                                       scaling::KubernetesVersion version);

// Fills in the HPA, its target's scale, the pods and the metrics as the cluster has them.
[[nodiscard]] Result<ExplainSubject> read_cluster_subject(const ExplainOptions& options);

}  // namespace fluxmetrics::commands
