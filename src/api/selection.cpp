#include "api/selection.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <ranges>
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

Result<double> aggregate(const metrics::Family& family, const std::vector<metrics::Item>& items) {
  const auto values = std::views::transform(items, &metrics::Item::value);
  switch (family.description->aggregation) {
    case metrics::Aggregation::sum:
      return std::accumulate(values.begin(), values.end(), 0.0);
    case metrics::Aggregation::max:
      if (items.empty()) return fail(Code::unavailable, "there is no value now");
      return std::ranges::max(values);
    case metrics::Aggregation::single:
      break;
  }
  if (items.empty()) return fail(Code::unavailable, "there is no value now");
  if (items.size() > 1) {
    return fail(Code::not_found, "it has {} values; choose one with metricLabelSelector ({})", items.size(),
                fmt::join(family.description->labels, ", "));
  }
  return items.front().value;
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

Result<std::vector<metrics::Item>> select_items(const metrics::Snapshot& snapshot,
                                                const metrics::Family& family,
                                                const kube::Selector& selector) {
  if (family.missing) return std::unexpected(*family.missing);
  if (auto checked = check_values(snapshot, family, selector); !checked)
    return std::unexpected(checked.error());
  std::vector<metrics::Item> items;
  std::ranges::copy_if(family.items, std::back_inserter(items),
                       [&](const metrics::Item& item) { return selector.matches(item.labels); });
  return items;
}

Result<double> select_value(const metrics::Snapshot& snapshot, const metrics::Family& family,
                            const kube::Selector& selector) {
  const auto items = select_items(snapshot, family, selector);
  if (!items) return std::unexpected(items.error());
  return aggregate(family, *items);
}

}  // namespace fluxmetrics::api
