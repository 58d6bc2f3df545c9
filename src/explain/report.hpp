// What `explain` says of an HPA, as values, as text and as JSON.
#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/clock.hpp"
#include "explain/finding.hpp"
#include "explain/subject.hpp"

namespace fluxmetrics::explain {

struct ExplainReport {
  const ExplainSubject& subject;
  std::vector<hpa::ForecastStep> steps = {};
  std::vector<std::vector<hpa::ValueRange>> values = {};  // one list an entry of spec.metrics
  std::vector<Finding> findings = {};
  std::string better = {};             // the corrected HPA, where there are faults that it mends
  std::vector<std::string> left = {};  // faults that it still has
};

[[nodiscard]] ExplainReport make_report(const ExplainSubject& subject, Seconds span);
[[nodiscard]] std::string report_text(const ExplainReport& report);
[[nodiscard]] boost::json::value report_json(const ExplainReport& report);

}  // namespace fluxmetrics::explain
