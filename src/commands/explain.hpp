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
};

struct HpaFile {
  // How the scalars of the document are written, by JSON pointer.
  std::map<std::string, YamlPlace, std::less<>> places = {};
  boost::json::object document = {};
  std::vector<std::string> repeated = {};        // fields that stand twice in it: "spec.maxReplicas"
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
