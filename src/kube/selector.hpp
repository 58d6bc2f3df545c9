// Label selectors (k8s.io/apimachinery/pkg/labels): parse, match, and the LabelSelector form that answers
// echo.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "kube/label_requirement.hpp"

namespace fluxmetrics::kube {

class Selector {
 public:
  using Operator = LabelOperator;
  using Requirement = LabelRequirement;
  // Errors: Code::invalid with the message of the Go parser.
  [[nodiscard]] static Result<Selector> parse(std::string_view text);
  [[nodiscard]] bool matches(const std::vector<std::pair<std::string, std::string>>& labels) const;
  [[nodiscard]] bool empty() const { return requirements_.empty(); }
  [[nodiscard]] const std::vector<Requirement>& requirements() const { return requirements_; }
  [[nodiscard]] std::string to_string() const;  // canonical: sorted by key
  // {"matchLabels":..,"matchExpressions":[..]}; null when empty. Errors: Code::invalid for > and <, which
  // have no such form.
  [[nodiscard]] Result<boost::json::value> to_label_selector() const;

 private:
  std::vector<Requirement> requirements_;  // sorted by key
};

}  // namespace fluxmetrics::kube
