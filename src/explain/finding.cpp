#include "explain/finding.hpp"

namespace fluxmetrics::explain {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::fault:
      return "fault";
    case Severity::warning:
      return "warning";
    case Severity::note:
      break;
  }
  return "note";
}

}  // namespace fluxmetrics::explain
