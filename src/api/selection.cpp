#include "api/selection.hpp"

#include <algorithm>
#include <set>

namespace fluxmetrics::api {
namespace {

using Requirement = kube::Selector::Requirement;
using Operator = kube::Selector::Operator;

std::string quoted(const std::set<std::string>& names) {
  std::vector<std::string> out;
  out.reserve(names.size());
  for (const auto& name : names)
    out.push_back("'" + name + "'");
  return fmt::format("{}", fmt::join(out, ", "));
}

// Whether the requirement names values that a label must have.
bool names_values(const Requirement& requirement) {
  return requirement.op == Operator::equals || requirement.op == Operator::double_equals ||
         requirement.op == Operator::in;
}

// The values a label can have now. Queues exist whether or not anything waits in them.
std::set<std::string> known_values(const metrics::Snapshot& snapshot, const metrics::Family& family,
                                   const std::string& label) {
  std::set<std::string> values;
  for (const auto& item : family.items) {
    for (const auto& [key, value] : item.labels) {
      if (key == label) values.insert(value);
    }
  }
  if (label == "queue" && snapshot.state) {
    for (const auto& queue : snapshot.state->queues)
      values.insert(queue.name);
  }
  return values;
}

// Every value the selector asks for by name must exist: the sum of a mistyped queue would be a wrong zero.
Result<void> check_values(const metrics::Snapshot& snapshot, const metrics::Family& family,
                          const kube::Selector& selector) {
  for (const auto& requirement : selector.requirements()) {
    if (!names_values(requirement)) continue;
    const auto known = known_values(snapshot, family, requirement.key);
    for (const auto& value : requirement.values) {
      if (known.contains(value)) continue;
      return fail(Code::not_found, "there is no {} '{}'; there is {}", requirement.key, value, quoted(known));
    }
  }
  return {};
}

Result<double> aggregate(const metrics::Family& family, const std::vector<double>& values) {
  switch (family.description->aggregation) {
    case metrics::Aggregation::sum: {
      double sum = 0;
      for (const double value : values)
        sum += value;
      return sum;
    }
    case metrics::Aggregation::max:
      if (values.empty()) return fail(Code::unavailable, "there is no value now");
      return *std::ranges::max_element(values);
    case metrics::Aggregation::single:
      break;
  }
  if (values.empty()) return fail(Code::unavailable, "there is no value now");
  if (values.size() > 1) {
    return fail(Code::not_found, "it has {} values; choose one with metricLabelSelector ({})", values.size(),
                fmt::join(family.description->labels, ", "));
  }
  return values.front();
}

}  // namespace

Result<void> check_labels(const metrics::Description& description, const kube::Selector& selector) {
  for (const auto& requirement : selector.requirements()) {
    if (std::ranges::find(description.labels, requirement.key) != description.labels.end()) continue;
    if (description.labels.empty()) return fail(Code::not_found, "it has no labels to select by");
    return fail(Code::not_found, "it has no label '{}', only {}", requirement.key,
                fmt::join(description.labels, ", "));
  }
  return {};
}

Result<double> select_value(const metrics::Snapshot& snapshot, const metrics::Family& family,
                            const kube::Selector& selector) {
  if (family.missing) return std::unexpected(*family.missing);
  if (auto checked = check_values(snapshot, family, selector); !checked)
    return std::unexpected(checked.error());
  std::vector<double> values;
  for (const auto& item : family.items) {
    if (selector.matches(item.labels)) values.push_back(item.value);
  }
  return aggregate(family, values);
}

}  // namespace fluxmetrics::api
