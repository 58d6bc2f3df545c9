// One requirement of a label selector, as "tier in (web,db)": a label's key, an operator, and values.
#pragma once

#include <string>
#include <vector>

namespace fluxmetrics::kube {

enum class LabelOperator {
  equals,
  double_equals,
  not_equals,
  in,
  not_in,
  exists,
  does_not_exist,
  greater,
  less
};

struct LabelRequirement {
  std::string key;
  LabelOperator op = LabelOperator::exists;
  std::vector<std::string> values;  // sorted
  bool operator==(const LabelRequirement&) const = default;
};

}  // namespace fluxmetrics::kube
