// One thing that is wrong with an HPA, or worth knowing of it, in a sentence.
#pragma once

#include <string>
#include <string_view>

namespace fluxmetrics::explain {

enum class Severity { note, warning, fault };
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  std::string id = {};  // "cannot-scale-up", ...: docs/explain.md has the list
  Severity severity = Severity::note;
  std::string text = {};
  bool elsewhere = false;  // no other text of the HPA mends it
  // Where an API server refuses the HPA: the field, and the reason in Kubernetes' words.
  std::string field = {};
  std::string reason = {};
};

}  // namespace fluxmetrics::explain
